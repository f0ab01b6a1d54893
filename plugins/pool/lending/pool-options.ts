/** The options and events of a pool. */
import type { Clock } from '../../../core/plugin.ts'
import type { BackOff } from './back-off.ts'
import type { Lease, PoolConnection } from './lease.ts'

/** All times in milliseconds. */
export interface PoolSettings {
  readonly size: number
  /** Further connections under load, closed at their release when no borrower waits. */
  readonly maxOverflow: number
  readonly minIdle: number
  readonly acquireTimeoutMs: number
  /** 0: idle connections stay. */
  readonly idleTimeoutMs: number
  /** 0: without end. */
  readonly maxLifetimeMs: number
  /** 0: none. */
  readonly keepaliveMs: number
  /** A connection silent for so long is asked for a sign of life before it is lent. */
  readonly validateAfterMs: number
  readonly validationTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxWaiting: number
  /** Failures in a row, with no connection left, after which borrowers are refused immediately. */
  readonly breakerFailures: number
  readonly backOff: BackOff
}

export const capacityOf = ({ size, maxOverflow }: PoolSettings): number => size + maxOverflow

export type CloseReason = 'broken' | 'closed' | 'evicted' | 'idle' | 'invalid' | 'lifetime' | 'lost' | 'overflow'

/** Called for each statement: must be cheap and not throw. */
export interface PoolEvents<C extends PoolConnection> {
  acquired?(waitedMs: number): void
  released?(lease: Lease<C>, heldMs: number): void
  created?(tookMs: number): void
  closed?(reason: CloseReason): void
}

export interface PoolOptions<C extends PoolConnection> {
  readonly name: string
  readonly settings: PoolSettings
  readonly clock: Clock
  readonly events?: PoolEvents<C>
  /** 0-1. @default Math.random */
  random?(): number
  /** Opens a connection. `onClosed` is called when it ends by itself; `signal` ends the attempt. */
  connect(onClosed: () => void, signal: AbortSignal): Promise<C>
}
