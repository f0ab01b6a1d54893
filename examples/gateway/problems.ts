/** Errors as problem documents. @see RFC 9457 */
import { httpStatusOf } from 'arkwatch'
import { isTransient } from 'arkwatch/pool'
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

/** @returns what to answer; undefined for an error of ours */
export function problemOf(thrown: unknown): Problem | undefined {
  if (thrown instanceof Refusal) return { status: thrown.status, title: thrown.title, detail: thrown.message }
  if (thrown instanceof z.ZodError)
    return { status: 422, title: 'The request does not have the expected form', detail: z.prettifyError(thrown) }
  if (thrown instanceof HTTPException) return { status: thrown.status, title: thrown.message || 'Refused' }
  const { code } = thrown as { code?: unknown }
  if (httpStatusOf(thrown) === 503) return { ...unavailable, code: String(code) }
  if (isTransient(thrown)) return { ...unavailable, code: 'DATABASE_BUSY' }
  return undefined
}

export function problemResponse({ retryAfter, ...problem }: Problem, context: Context): Response {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return context.body(JSON.stringify({ type: 'about:blank', ...problem }), problem.status as 503, {
    ...headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  })
}
