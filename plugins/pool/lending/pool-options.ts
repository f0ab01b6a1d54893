import type { Clock } from '../../../core/plugin.ts'
import type { PoolSection } from '../config.ts'
import type { Lease, PoolConnection } from './lease.ts'

/** All times in milliseconds. */
export interface PoolSettings extends Omit<PoolSection, 'url' | 'driver' | 'startup' | 'startupTimeout'> {
  /** Failures in a row, with no connection left, after which borrowers are refused immediately. */
  readonly breakerFailures: number
  readonly backOff: BackOff
}

/** Between two attempts to connect, in milliseconds: after the first failure, and at most. */
export interface BackOff {
  readonly firstMs: number
  readonly maxMs: number
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
