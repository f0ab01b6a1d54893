/** Errors as problem documents. @see RFC 9457 */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'

export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail?: string
  readonly code?: string
  /** Seconds after which it may be tried again. */
  readonly retryAfter?: number
}

/** Thrown by routes for what the caller did. */
export class Refusal extends Error {
  constructor(
    readonly status: 400 | 404 | 409 | 410 | 422,
    readonly title: string,
    detail: string,
  ) {
    super(detail)
  }
}

const unavailable = { status: 503, title: 'Service unavailable', retryAfter: 1 }

/** Codes of Arkwatch's plugins that say "not now". Whoever gets one may try again. */
const notNow = new Set([
  ...['POOL_TIMEOUT', 'POOL_QUEUE_FULL', 'POOL_UNAVAILABLE', 'POOL_CLOSED', 'POOL_CONNECTION_LOST'],
  ...['POOL_STATEMENT_TIMEOUT', 'CACHE_LOAD_TIMEOUT', 'CACHE_BUSY'],
  ...['REDIS_UNAVAILABLE', 'REDIS_TIMEOUT', 'REDIS_QUEUE_FULL', 'SERVICE_UNAVAILABLE'],
])
/** PostgreSQL: serialization failure, deadlock, too many connections, shutting down, crashed, starting up. */
const notNowStates = new Set(['40001', '40P01', '53300', '57P01', '57P02', '57P03'])

/** @returns what to answer; undefined for an error of ours */
export function problemOf(thrown: unknown): Problem | undefined {
  if (thrown instanceof Refusal) return { status: thrown.status, title: thrown.title, detail: thrown.message }
  if (thrown instanceof z.ZodError)
    return { status: 422, title: 'The request does not have the expected form', detail: z.prettifyError(thrown) }
  if (thrown instanceof HTTPException) return { status: thrown.status, title: thrown.message || 'Refused' }
  const { code } = thrown as { code?: unknown }
  if (typeof code !== 'string') return undefined
  if (notNow.has(code)) return { ...unavailable, code }
  if (notNowStates.has(code)) return { ...unavailable, code: 'DATABASE_BUSY' }
  return undefined
}

export function problemResponse({ retryAfter, ...problem }: Problem, context: Context): Response {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return context.body(JSON.stringify({ type: 'about:blank', ...problem }), problem.status as 503, {
    ...headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  })
}
