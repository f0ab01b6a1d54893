/** Server-sent events of a remote process, and the refusals of its requests. */
import { createParser } from 'eventsource-parser'
import { ArkwatchError, messageOf } from '../core/contract/errors.ts'
import { systemClock } from '../core/process/clock.ts'
import { cliError } from './errors.ts'

export interface RemoteEvent {
  readonly event: string
  /** The number of the log line or of the audit record. */
  readonly id: number
  readonly data: unknown
}

/** @param json the problem in the answer @returns its error, or CLI_REMOTE_UNREACHABLE if it is not of Arkwatch */
export function refusal(url: string, status: number, json: Readonly<Record<string, unknown>>): ArkwatchError {
  if (typeof json.code !== 'string')
    return cliError('CLI_REMOTE_UNREACHABLE', { url, reason: `it answered ${status}, as no Arkwatch does` })
  const details = Array.isArray(json.errors) ? { errors: json.errors } : {}
  return new ArkwatchError(json.code, String(json.detail), String(json.help ?? ''), details)
}

/** The server sends something every 15 s: a connection that is silent for this long is dead. */
const silenceMs = 45_000

/** The bytes of a response. A silent connection ends like a closed one. */
async function* chunksOf(body: ReadableStream<Uint8Array>, abort: AbortController): AsyncGenerator<Uint8Array> {
  let cancel = systemClock.after(silenceMs, () => abort.abort())
  try {
    for await (const chunk of body) {
      cancel()
      cancel = systemClock.after(silenceMs, () => abort.abort())
      yield chunk
    }
  } catch {
    // A cut connection ends the stream like an orderly end.
  } finally {
    cancel()
    abort.abort()
  }
}

/** Follows events, first one named `open`, to the end of the stream. @throws the API's error, CLI_REMOTE_UNREACHABLE */
export async function* remoteEvents(url: string, path: string, key: string): AsyncGenerator<RemoteEvent> {
  const abort = new AbortController()
  let response: Response
  try {
    response = await fetch(`${url}${path}`, {
      redirect: 'error',
      headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
      signal: abort.signal,
    })
  } catch (error) {
    throw cliError('CLI_REMOTE_UNREACHABLE', { url, reason: messageOf(error) }, error)
  }
  if (!response.ok || response.body === null)
    throw refusal(url, response.status, ((await response.json().catch(() => ({}))) ?? {}) as Record<string, unknown>)
  yield { event: 'open', id: 0, data: undefined }
  const events: RemoteEvent[] = []
  const parser = createParser({
    onEvent: ({ event = 'message', id, data }) => events.push({ event, id: Number(id ?? 0), data: JSON.parse(data) }),
  })
  const decoder = new TextDecoder()
  for await (const chunk of chunksOf(response.body, abort)) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* events.splice(0)
  }
}
