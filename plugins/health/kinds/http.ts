/** An HTTP request and its answer. Each run has a separate connection. */
import { messageOf, readInTurn } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import { type Facts, firstBroken } from '../conditions/evaluate.ts'
import { type Condition, parseCondition } from '../conditions/parse.ts'
import { guardedFetch } from './guarded-fetch.ts'
import type { Kind } from './kind.ts'
import { certificateOf } from './tls.ts'

const maxBodyBytes = 65_536

/** @param expected numbers or classes such as `2xx` */
export const matchesStatus = (status: number, expected: readonly (number | string)[]): boolean =>
  expected.some((one) => (typeof one === 'number' ? one === status : one.startsWith(String(Math.trunc(status / 100)))))

/** `certificateMs`: where a condition needs the certificate. */
type HttpFacts = Pick<Facts, 'status' | 'body'> & Partial<Pick<Facts, 'certificateMs'>> & { readonly latencyMs: number }

interface HttpExpectation {
  readonly status: readonly (number | string)[]
  readonly bodyContains?: string | undefined
  readonly conditions?: readonly Condition[]
  readonly degradedConditions?: readonly Condition[]
}

/** @returns up, or down with the first condition that does not hold and the value seen; never the body itself */
export function evaluateHttp(
  { status, latencyMs, body, certificateMs }: HttpFacts,
  { conditions = [], degradedConditions = [], ...expected }: HttpExpectation,
): CheckResult {
  const decidesStatus = conditions.some(({ subject }) => subject === 'status')
  const measured = { latencyMs, details: { status } }
  if (!decidesStatus && !matchesStatus(status, expected.status)) {
    return { status: 'down', message: `status ${status}, expected ${expected.status.join(' or ')}`, ...measured }
  }
  if (expected.bodyContains !== undefined && !(body ?? '').includes(expected.bodyContains)) {
    return { status: 'down', message: 'body does not hold the expected text', ...measured }
  }
  const facts = { status, responseTimeMs: latencyMs, body, certificateMs }
  const broken = firstBroken(conditions, facts)
  if (broken !== undefined) return { status: 'down', message: broken, ...measured }
  const lesser = firstBroken(degradedConditions, facts)
  return { ...(lesser === undefined ? { status: 'up' } : { status: 'degraded', message: lesser }), ...measured }
}

/** The conditions of texts that the schema has accepted. */
const parsed = (texts: readonly string[]): Condition[] =>
  texts.map(parseCondition).flatMap((result) => (result.ok ? [result.condition] : []))

/** @returns the first 64 KiB as text; the rest is not read */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let left = maxBodyBytes
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true })
    left -= chunk.byteLength
    if (left <= 0) break
  }
  return text
}

/** The message without the query of the url, which may hold a token. */
const withoutQuery = (message: string, url: string): string => {
  const query = /\?.*$/.exec(url)?.[0]
  return query === undefined ? message : message.replaceAll(query, '?…')
}

export const http: Kind<'http'> = (config, { monotonic, now }) => {
  const conditions = parsed(config.conditions)
  const degradedConditions = parsed(config.degradedConditions)
  const asks = (subject: Condition['subject']) =>
    [...conditions, ...degradedConditions].some((each) => each.subject === subject)
  const wantsBody = config.bodyContains !== undefined || asks('body')
  const certificateMs = async (url: string, ca: string | undefined, signal: AbortSignal) => {
    const { hostname, port, protocol } = new URL(url)
    if (!asks('certificateExpiration') || protocol !== 'https:') return undefined
    const host = hostname.replace(/^\[|\]$/g, '')
    return (await certificateOf(host, Number(port || 443), host, ca, signal)).validToMs - now()
  }
  return {
    async run(signal) {
      // Empty for the defaults: Bun makes a separate TLS context for every request with TLS options.
      const tls: { rejectUnauthorized?: boolean; ca?: string } = {
        ...(!config.tlsVerify && { rejectUnauthorized: false }),
        ...(config.tlsCaFile && { ca: await readInTurn(config.tlsCaFile) }),
      }
      // Closes the connection however the run ends, also while the body is unread.
      const ended = new AbortController()
      const startedMs = monotonic()
      try {
        const init = {
          method: config.method,
          headers: { 'user-agent': 'arkwatch-health', ...config.headers },
          keepalive: false,
          signal: AbortSignal.any([signal, ended.signal]),
          ...(Object.keys(tls).length > 0 && { tls }),
        }
        const response = await guardedFetch(config.url, init, config.followRedirects)
        const latencyMs = monotonic() - startedMs
        const { status } = response
        const body = wantsBody ? await readStart(response) : undefined
        const leftMs = await certificateMs(config.url, tls.ca, init.signal)
        const facts = { status, latencyMs, body, certificateMs: leftMs }
        return evaluateHttp(facts, { ...config, conditions, degradedConditions })
      } catch (thrown) {
        throw new Error(withoutQuery(messageOf(thrown), config.url))
      } finally {
        ended.abort()
      }
    },
  }
}
