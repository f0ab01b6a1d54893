/** Middleware for Hono that caches answers to GET. */
import type { MiddlewareHandler } from 'hono'
import type { Cache, LoadContext } from '../api.ts'
import { stableKey } from '../keys.ts'

export interface HttpCacheOptions {
  /** Milliseconds; `s-maxage` or `max-age` of the answer wins. */
  readonly ttlMs: number
  /** Request headers on which the answer depends. @default [] */
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
  readonly createdMs: number
}

/** @returns milliseconds that Cache-Control allows, 0 for none, or undefined where it names no time */
export function allowedMs(control: string): number | undefined {
  if (/\b(no-store|private|no-cache)\b/i.test(control)) return 0
  const seconds = /\bs-maxage="?(\d+)/i.exec(control)?.[1] ?? /\bmax-age="?(\d+)/i.exec(control)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

const listed = (header: string | null) => (header ?? '').split(',').map((name) => name.trim().toLowerCase())

const matches = (header: string | null, etag: string): boolean => {
  const wanted = etag.replace(/^W\//, '')
  return header?.trim() === '*' || (header ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === wanted)
}

function respond(answer: Answer, request: Headers, state: 'HIT' | 'MISS', ageMs: number): Response {
  const headers = new Headers(answer.headers.map(([name, value]): [string, string] => [name, value]))
  headers.set('etag', answer.etag)
  headers.set('x-cache', state)
  if (state === 'HIT') headers.set('age', String(Math.max(0, Math.floor(ageMs / 1_000))))
  if (!matches(request.get('if-none-match'), answer.etag)) {
    return new Response(answer.body as Uint8Array<ArrayBuffer>, { status: answer.status, headers })
  }
  headers.delete('content-length')
  return new Response(null, { status: 304, headers })
}

/** Headers that belong to one answer on one connection. */
const ofOneAnswer = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'x-request-id', 'age']

/** @returns undefined for an answer that must not be kept */
async function captured(response: Response, names: readonly string[], maxBytes: number): Promise<Answer | undefined> {
  const { headers, status, body } = response
  const varies = listed(headers.get('vary')).some((name) => name !== '' && !names.includes(name))
  const isStream = body === null || /event-stream/.test(headers.get('content-type') ?? '')
  const isLarge = Number(headers.get('content-length') ?? 0) > maxBytes
  if (status !== 200 || varies || isStream || isLarge || headers.has('set-cookie')) return undefined
  const bytes = new Uint8Array(await response.clone().arrayBuffer())
  if (bytes.length > maxBytes) return undefined
  const all = new Headers(headers)
  for (const name of ofOneAnswer) all.delete(name)
  if (names.length > 0) all.set('vary', names.join(', '))
  const etag = headers.get('etag') ?? `"${Bun.hash(bytes).toString(36)}"`
  return { status, headers: [...all], body: bytes, etag, createdMs: 0 }
}

/**
 * Caches answers to GET with status 200; concurrent requests share one run of the handler. Not cached: requests with
 * `Authorization` or `Cookie` unless that header is in `vary`, answers with `Set-Cookie`, answers that vary by a header
 * not in `vary`. `Cache-Control: no-cache` of a request gets a new answer, which is kept; `no-store` is never cached.
 */
export function httpCache(cache: () => Cache, options: HttpCacheOptions): MiddlewareHandler {
  const { ttlMs, vary = [], tags = [], maxBytes = 1_048_576 } = options
  const names = vary.map((name) => name.toLowerCase())
  const isUncacheable = ({ method, headers }: Request) =>
    method !== 'GET' ||
    headers.has('range') ||
    /\bno-store\b/i.test(headers.get('cache-control') ?? '') ||
    ['authorization', 'cookie'].some((name) => headers.has(name) && !names.includes(name))
  return async function cacheAnswers(context, next) {
    const { raw } = context.req
    if (isUncacheable(raw)) return next()
    const { headers } = raw
    const varying = names.map((name) => headers.get(name))
    const key = `http:${stableKey(raw.url, varying)}`
    let ranHere = false
    let keepMs = 0
    const run = async (): Promise<Answer | undefined> => {
      ranHere = true
      await next()
      keepMs = allowedMs(context.res.headers.get('cache-control') ?? '') ?? ttlMs
      const answer = keepMs === 0 ? undefined : await captured(context.res, names, maxBytes)
      return answer && { ...answer, createdMs: cache().nowMs() }
    }
    const make = async ({ ttl }: LoadContext) => {
      const made = await run()
      ttl(made === undefined ? 0 : keepMs)
      return made
    }
    // No grace: a refresh in background would run the handler of a request that has ended.
    const kept = { tags, graceMs: 0 }
    const makeAnew = async () => {
      const made = await run()
      if (made !== undefined) await cache().set(key, made, { ...kept, ttlMs: keepMs })
      return made
    }
    const isAnew = /\bno-cache\b/i.test(headers.get('cache-control') ?? '')
    const answer = await (isAnew ? makeAnew() : cache().getOrSet(key, make, kept)).catch((thrown) => {
      if (ranHere) throw thrown
      return undefined
    })
    if (answer === undefined) return ranHere ? undefined : next()
    const response = respond(answer, headers, ranHere ? 'MISS' : 'HIT', cache().nowMs() - answer.createdMs)
    if (!ranHere) return response
    context.res = response
  }
}
