/** PURE. The counts of a pool under the names that PgBouncer's `SHOW POOLS` gives them. */
import type { ForeignStatus, PoolStatus } from './api.ts'

export interface PgbouncerCounts {
  /** Borrowers that hold a connection. */
  readonly cl_active: number
  readonly cl_waiting: number
  /** Connections that are lent. */
  readonly sv_active: number
  /** Free, to be lent as they are. */
  readonly sv_idle: number
  /** Free, to be asked for a sign of life before. */
  readonly sv_used: number
  /** Being asked. */
  readonly sv_tested: number
  /** Being opened. */
  readonly sv_login: number
  /** Age of the oldest waiter, whole seconds. */
  readonly maxwait: number
  /** Microseconds beside `maxwait`. */
  readonly maxwait_us: number
  /** Mean of the last period, microseconds. */
  readonly avg_wait_time: number
}

/** @see https://www.pgbouncer.org/usage.html#show-pools */
export function counters(status: PoolStatus): PgbouncerCounts {
  const { active, idle, silent, checking, connecting, waiting, oldestWaitMs, avgWaitMs } = status
  return {
    cl_active: active,
    cl_waiting: waiting,
    sv_active: active,
    sv_idle: idle - silent,
    sv_used: silent,
    sv_tested: checking,
    sv_login: connecting,
    maxwait: Math.floor(oldestWaitMs / 1_000),
    maxwait_us: Math.floor((oldestWaitMs % 1_000) * 1_000),
    avg_wait_time: Math.round(avgWaitMs * 1_000),
  }
}

/** The status of a pool, with those counts where they are known. */
export function statusOf({ status }: { status(): PoolStatus | ForeignStatus }) {
  const all = status()
  return 'checking' in all ? { ...all, pgbouncer: counters(all) } : all
}
