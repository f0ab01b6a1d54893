/** PURE. The counts of a pool under the names that PgBouncer's `SHOW POOLS` gives them. */
import type { ForeignStatus, PoolStatus } from './api.ts'

/** @see https://www.pgbouncer.org/usage.html#show-pools */
export function counters(status: PoolStatus) {
  const { active, idle, silent, checking, connecting, waiting, oldestWaitMs, avgWaitMs } = status
  return {
    /** Borrowers that hold a connection. */
    cl_active: active,
    cl_waiting: waiting,
    /** Connections that are lent. */
    sv_active: active,
    /** Free, to be lent as they are. */
    sv_idle: idle - silent,
    /** Free, to be asked for a sign of life before. */
    sv_used: silent,
    /** Being asked. */
    sv_tested: checking,
    /** Being opened. */
    sv_login: connecting,
    /** Age of the oldest waiter, whole seconds. */
    maxwait: Math.floor(oldestWaitMs / 1_000),
    /** Microseconds beside `maxwait`. */
    maxwait_us: Math.floor((oldestWaitMs % 1_000) * 1_000),
    /** Mean of the last period, microseconds. */
    avg_wait_time: Math.round(avgWaitMs * 1_000),
  }
}

/** The status of a pool, with those counts where they are known. */
export function statusOf({ status }: { status(): PoolStatus | ForeignStatus }) {
  const all = status()
  return 'checking' in all ? { ...all, pgbouncer: counters(all) } : all
}
