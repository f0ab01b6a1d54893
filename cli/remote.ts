/** The control commands over the admin API of a remote process: `--url`, with the API key in ARKWATCH_KEY. */
import { coreError, messageOf } from '../core/contract/errors.ts'
import { parseDuration } from '../core/contract/units.ts'
import type { ControlClient } from '../core/control/client.ts'
import type { Cli } from './cli.ts'
import { cliError } from './errors.ts'
import { type RemoteEvent, refusal, remoteEvents } from './remote-events.ts'
import { type Args, type Json, poolCommands } from './remote-pool.ts'

/** Sends one request to the admin API. @throws the error of the API, CLI_REMOTE_UNREACHABLE */
type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ json: Json; text: string; headers: Headers }>

const ms = (iso: unknown): number | undefined => (typeof iso === 'string' ? Date.parse(iso) : undefined)
const enc = (value: unknown) => encodeURIComponent(String(value))
const query = (args: Args): string => {
  const set = Object.entries(args).filter(([, value]) => value !== undefined)
  const texts = Object.fromEntries(set.map(([key, value]) => [key, String(value)]))
  return set.length === 0 ? '' : `?${new URLSearchParams(texts)}`
}

export interface RemoteClient extends ControlClient {
  /** Events of `logs` or `audit` until the server ends the stream. @throws as `call` */
  follow(topic: keyof typeof streams, args: Args): AsyncGenerator<RemoteEvent>
}

/** The paths of the event streams. */
const streams = {
  logs: ({ level, logger }: Args) => `/admin/stream${query({ topics: 'logs', level, logger })}`,
  audit: () => '/admin/audit/stream',
} as const

/** `created_at: ISO 8601` as `createdAtMs`, `start_ms` as `startMs`, `deadline` as `deadlineMs`; other keys stay. */
const converted = (json: Json): Json =>
  Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      return /^at$|_at$|^deadline$/.test(key) ? [`${camel}Ms`, ms(value)] : [camel, value]
    }),
  )
const listOf = (list: unknown) => (list as Json[]).map(converted)
/** @param logger this one only; undefined for all */
const loggersOf = ({ loggers }: Json, logger: unknown) => ({
  loggers: listOf(loggers)
    .map(({ name, configured, ...rest }) => ({ ...rest, logger: name, configured: configured ?? undefined }))
    .filter((each) => logger === undefined || each.logger === logger),
})

/** The id of the pending change, where the command names none. */
async function pendingId(send: Send, id: unknown): Promise<string> {
  if (typeof id === 'string') return id
  const { json } = await send('GET', '/admin/config')
  if (typeof json.pending !== 'string') throw coreError('CHANGE_UNKNOWN', { which: '', was: '' })
  return json.pending
}

/** Each control command as an HTTP request, with the answer converted to the form of the control socket. */
const commands: Readonly<Record<string, (send: Send, args: Args) => Promise<unknown>>> = {
  async status(send) {
    const [{ json: status }, { json: listed }] = await Promise.all([
      send('GET', '/admin/status'),
      send('GET', '/admin/plugins'),
    ])
    const { lastReload, ...rest } = converted(status)
    const { error, ...reload } = converted(lastReload as Json)
    return { ...rest, lastReload: { ...reload, error: error ?? undefined }, plugins: listOf(listed.plugins) }
  },
  config: async (send) => (await send('GET', '/admin/config')).json,
  plan: async (send) => (await send('POST', '/admin/config/plan', { patch: {} })).json.steps,
  reload: async (send) => (await send('POST', '/admin/reload')).json.steps,
  'config.plan': async (send, { patch }) => (await send('POST', '/admin/config/plan', { patch })).json,
  async 'config.apply'(send, { patch, confirmWithinMs }) {
    if (typeof confirmWithinMs === 'number') {
      const body = { patch, confirm_within_seconds: confirmWithinMs / 1_000 }
      return converted((await send('POST', '/admin/config/apply', body)).json)
    }
    const { headers } = await send('GET', '/admin/config')
    return converted((await send('PATCH', '/admin/config', patch, { 'if-match': headers.get('etag') ?? '' })).json)
  },
  'config.confirm': async (send, { id }) =>
    converted((await send('POST', `/admin/config/changes/${enc(await pendingId(send, id))}/confirm`)).json),
  'config.rollback': async (send, { id }) =>
    converted((await send('POST', `/admin/config/changes/${enc(await pendingId(send, id))}/rollback`)).json),
  'plugins.restart': async (send, { plugin }) => (await send('POST', `/admin/plugins/${enc(plugin)}/restart`)).json,
  async 'logs.level'(send, { logger, level, for: duration }) {
    if (level === undefined) return loggersOf((await send('GET', '/admin/loggers')).json, logger)
    const forMs = duration === undefined ? undefined : parseDuration(String(duration))
    const body = { level, ...(forMs && { for_seconds: forMs / 1_000 }) }
    return loggersOf((await send('PUT', `/admin/loggers/${enc(logger ?? 'root')}`, body)).json, logger)
  },
  async 'logs.recent'(send, { limit, level, logger, contains }) {
    const { json } = await send('GET', `/admin/logs/recent${query({ limit, level, logger, contains })}`)
    const entries = (json.logs as Json[]).toReversed()
    return { entries: entries.map(({ id, line, ...rest }) => ({ ...rest, sequence: id, line: JSON.stringify(line) })) }
  },
  async 'audit.page'(send, { limit, before, after, principal, action }) {
    const { json } = await send('GET', `/admin/audit${query({ limit, cursor: before, principal, action })}`)
    const records = json.records as { seq: number }[]
    return { records: after === undefined ? records : records.filter(({ seq }) => seq > Number(after)).toReversed() }
  },
  ...poolCommands,
  'audit.verify': async (send) => (await send('GET', '/admin/audit/verify')).json,
  async 'audit.export'(send) {
    const { text } = await send('GET', '/admin/audit/export')
    return { text, publicKey: (JSON.parse(text.split('\n')[0]!) as Json).publicKey }
  },
  'keys.list': async (send) => ({ keys: listOf((await send('GET', '/admin/keys')).json.keys) }),
  async 'keys.create'(send, { name, role, scopes, expiresInDays }) {
    const body = { name, role, scopes, expires_in_days: expiresInDays }
    const { key, ...info } = (await send('POST', '/admin/keys', body)).json
    return { key, info: converted(info) }
  },
  'keys.revoke': async (send, { id }) => {
    await send('DELETE', `/admin/keys/${enc(id)}`)
    return { id }
  },
  async 'jobs.list'(send, { limit }) {
    return { jobs: listOf((await send('GET', `/admin/jobs${query({ limit })}`)).json.jobs) }
  },
  'jobs.show': async (send, { id }) => converted((await send('GET', `/admin/jobs/${enc(id)}`)).json),
  'jobs.cancel': async (send, { id }) => converted((await send('DELETE', `/admin/jobs/${enc(id)}`)).json),
}

function sender(url: string, key: string, timeoutMs: number): Send {
  const base = url.replace(/\/+$/, '')
  return async (method, path, body, headers = {}) => {
    let response: Response
    let text: string
    try {
      const content = body !== undefined && { 'content-type': 'application/json' }
      response = await fetch(`${base}${path}`, {
        method,
        redirect: 'error',
        headers: { ...headers, authorization: `Bearer ${key}`, ...content },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      text = await response.text()
    } catch (error) {
      throw cliError('CLI_REMOTE_UNREACHABLE', { url: base, reason: messageOf(error) }, error)
    }
    const isJson = response.headers.get('content-type')?.includes('json') === true && !path.endsWith('/export')
    let json: Json = {}
    try {
      if (isJson && text !== '') json = JSON.parse(text) as Json
    } catch (error) {
      throw cliError('CLI_REMOTE_UNREACHABLE', { url: base, reason: 'what answers there is no Arkwatch' }, error)
    }
    if (response.ok) return { json, text, headers: response.headers }
    throw refusal(base, response.status, json)
  }
}

/** @param timeoutMs of a request @throws CLI_REMOTE_KEY, CLI_USAGE; its `call` CLI_REMOTE_COMMAND, as {@link Send} */
export function remote({ env }: Pick<Cli, 'env'>, url: string, timeoutMs = 60_000): RemoteClient {
  const key = env.ARKWATCH_KEY
  if (!key) throw cliError('CLI_REMOTE_KEY')
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw cliError('CLI_USAGE', { what: `--url takes an http or https address, got ${JSON.stringify(url)}` })
  const send = sender(url, key, timeoutMs)
  return {
    follow: (topic, args) => remoteEvents(url.replace(/\/+$/, ''), streams[topic](args), key),
    async call<Result>(command: string, args: Args = {}) {
      const run = commands[command]
      if (run === undefined) throw cliError('CLI_REMOTE_COMMAND', { command })
      return (await run(send, args)) as Result
    },
  }
}
