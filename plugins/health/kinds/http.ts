/** An HTTP request and its answer. A connection of its own for each run. */
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../../core/errors.ts'
import type { CheckResult } from '../api.ts'
import { guardedFetch } from './guarded-fetch.ts'
import type { Kind } from './kind.ts'

/** How much of a body is read, in bytes. */
const maxBodyBytes = 65_536

/** @param expected numbers or classes such as `2xx` */
export const matchesStatus = (status: number, expected: readonly (number | string)[]): boolean =>
  expected.some((one) => (typeof one === 'number' ? one === status : one.startsWith(String(Math.trunc(status / 100)))))

export interface HttpFacts {
  readonly status: number
  readonly latencyMs: number
  /** Undefined where no body was asked for. */
  readonly body: string | undefined
}

export interface HttpExpectation {
  readonly status: readonly (number | string)[]
  readonly bodyContains?: string | undefined
}

/** @returns up, or down with the first condition that does not hold and the value seen; never the body itself */
export function evaluateHttp({ status, latencyMs, body }: HttpFacts, expected: HttpExpectation): CheckResult {
  const details = { status }
  if (!matchesStatus(status, expected.status)) {
    return { status: 'down', message: `status ${status}, expected ${expected.status.join(' or ')}`, latencyMs, details }
  }
  if (expected.bodyContains !== undefined && !(body ?? '').includes(expected.bodyContains)) {
    return { status: 'down', message: 'body does not hold the expected text', latencyMs, details }
  }
  return { status: 'up', latencyMs, details }
}

/** @returns the first 64 KiB as text; the rest is not read */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    text += decoder.decode(chunk.subarray(0, Math.max(0, chunk.byteLength - Math.max(0, bytes - maxBodyBytes))), {
      stream: true,
    })
    if (bytes >= maxBodyBytes) break
  }
  return text
}

/** The query of a url may hold a token. */
const withoutQuery = (message: string, url: string): string => {
  const query = /\?.*$/.exec(url)?.[0]
  return query === undefined ? message : message.replaceAll(query, '?…')
}

export const http: Kind<'http'> = {
  name: 'http',
  timesLatency: true,
  offReason: ({ url }) => (url === '' ? 'url is empty' : undefined),
  open(config, { monotonic }) {
    return {
      close: () => {},
      async run(signal) {
        // Only where it differs from the default: Bun makes a TLS context of its own for every request that brings options.
        const tls = {
          ...(!config.tlsVerify && { rejectUnauthorized: false }),
          ...(config.tlsCaFile && { ca: await readFile(config.tlsCaFile, 'utf8') }),
        }
        // Ends the connection on every way out, an unread body included.
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
          const body = config.bodyContains === undefined ? undefined : await readStart(response)
          return evaluateHttp({ status: response.status, latencyMs, body }, config)
        } catch (thrown) {
          throw new Error(withoutQuery(messageOf(thrown), config.url))
        } finally {
          ended.abort()
        }
      },
    }
  },
}
