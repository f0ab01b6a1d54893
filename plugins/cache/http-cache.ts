/** Middleware for Hono that caches answers to GET. */
import type { MiddlewareHandler } from 'hono'
import type { Cache } from './api.ts'
import { stableKey } from './keys.ts'

export interface HttpCacheOptions {
  /** Milliseconds; the answer's own `s-maxage` or `max-age` wins. */
  readonly ttlMs: number
  /** Request headers that make different answers. @default [] */
  readonly vary?: readonly string[]
  readonly tags?: readonly string[]
  /** Larger answers are not kept, in bytes. @default 1 MiB */
  readonly maxBytes?: number
}

interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  readonly etag: string
}

/** @returns milliseconds that Cache-Control allows, or undefined where it does not say; 0: not at all */
export function allowedMs(control: string): number | undefined {
  if (/\b(no-store|private|no-cache)\b/i.test(control)) return 0
  const seconds = /\bs-maxage=(\d+)/i.exec(control)?.[1] ?? /\bmax-age=(\d+)/i.exec(control)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag))

function respond(answer: Answer, ifNoneMatch: string | undefined, state: string): Response {
  const headers = new Headers([...answer.headers.map(([name, value]): [string, string] => [name, value])])
  headers.set('etag', answer.etag)
  headers.set('x-cache', state)
  if (!matches(ifNoneMatch, answer.etag.replace(/^W\//, ''))) {
    return new Response(answer.body as Uint8Array<ArrayBuffer>, { status: answer.status, headers })
  }
  headers.delete('content-length')
  return new Response(null, { status: 304, headers })
}

/** Requests with `Authorization` or `Cookie` pass by unless that header is in `vary`; so do answers with `Set-Cookie`. */
export function httpCache(cache: () => Cache, options: HttpCacheOptions): MiddlewareHandler {
  const { ttlMs, vary = [], tags = [], maxBytes = 1_048_576 } = options
  const names = vary.map((name) => name.toLowerCase())
  const isPersonal = (headers: Headers) =>
    ['authorization', 'cookie'].some((name) => headers.has(name) && !names.includes(name))
  return async function cacheAnswers(context, next) {
    const { headers, method, url } = context.req.raw
    const asked = headers.get('cache-control') ?? ''
    if (method !== 'GET' || headers.has('range') || isPersonal(headers) || /\bno-store\b/i.test(asked)) return next()
    const key = `http:${stableKey(
      url,
      names.map((name) => headers.get(name)),
    )}`
    const ifNoneMatch = headers.get('if-none-match') ?? undefined
    const known = /\bno-cache\b/i.test(asked) ? undefined : await cache().get<Answer>(key)
    if (known !== undefined) return respond(known, ifNoneMatch, 'HIT')
    await next()
    const response = context.res
    const keepMs = allowedMs(response.headers.get('cache-control') ?? '') ?? ttlMs
    const answered = (response.headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase())
    const varies = answered.some((name) => name !== '' && !names.includes(name))
    const isStream = response.body === null || /event-stream/.test(response.headers.get('content-type') ?? '')
    const large = Number(response.headers.get('content-length') ?? 0) > maxBytes
    if (response.status !== 200 || keepMs === 0 || varies || isStream || large || response.headers.has('set-cookie'))
      return
    const body = new Uint8Array(await response.arrayBuffer())
    const etag = response.headers.get('etag') ?? `"${Bun.hash(body).toString(36)}"`
    const answer: Answer = { status: 200, headers: [...response.headers], body, etag }
    if (body.length <= maxBytes) await cache().set(key, answer, { ttlMs: keepMs, tags })
    context.res = respond(answer, ifNoneMatch, 'MISS')
  }
}
