/** PURE. The circuit breaker: refuses commands immediately that would only time out. */
import type { RedisConfig } from './config.ts'

export interface Breaker {
  /** Failures in a row. */
  readonly failures: number
  /** Until when everything is refused; undefined while closed. */
  readonly openUntilMs: number | undefined
  /** The deciding call is in progress. */
  readonly probing: boolean
}

export const closedBreaker: Breaker = { failures: 0, openUntilMs: undefined, probing: false }

/** @returns `pass`; `probe`, pass as the one that decides; `refuse` */
export function admit({ openUntilMs, probing }: Breaker, nowMs: number): 'pass' | 'probe' | 'refuse' {
  if (openUntilMs === undefined) return 'pass'
  return nowMs < openUntilMs || probing ? 'refuse' : 'probe'
}

/** @returns the breaker after a failure at `nowMs` */
export function failed(breaker: Breaker, nowMs: number, limits: Pick<RedisConfig, 'failures' | 'coolDown'>): Breaker {
  const failures = breaker.failures + 1
  const opens = failures >= limits.failures
  return { failures, openUntilMs: opens ? nowMs + limits.coolDown : breaker.openUntilMs, probing: false }
}
