/** The errors of borrowers that get no connection, and how many there were. */
import type { PoolStatus } from '../api.ts'
import { poolError } from '../errors.ts'
import { type Borrower, framesOf, type Lease, routeName } from './lease.ts'

const joined = (parts: readonly (string | undefined)[]) =>
  parts.filter((part) => part !== undefined && part !== '').join(' ')

/** The kind and the request of a borrower, and where the borrower asked. */
const describeBorrower = ({ kind, route, requestId, where }: Borrower): string =>
  joined([kind, routeName(route), requestId, framesOf(where, 4).join(' < ')])

/** @returns the three leases held longest, empty without any */
function oldestHolders(leases: Iterable<Lease>, nowMs: number): string {
  const oldest = [...leases].sort((a, b) => a.sinceMs - b.sinceMs).slice(0, 3)
  const found = oldest.map(({ borrower: { kind, route, requestId }, sinceMs, statement }) => {
    const holder = joined([kind, routeName(route), requestId])
    return `${holder} for ${Math.round(nowMs - sinceMs)} ms (${statement || 'no statement yet'})`
  })
  return found.join('; ')
}

export class Refusals {
  readonly totals = { timeouts: 0, refused: 0, deadlocks: 0, aborted: 0 }

  constructor(
    private readonly pool: string,
    private readonly problem: () => string | undefined,
  ) {}

  closed = (): Error => poolError('POOL_CLOSED', { pool: this.pool })
  unavailable = (): Error => poolError('POOL_UNAVAILABLE', { pool: this.pool, reason: this.problem() ?? 'unknown' })

  queueFull(limit: number): Error {
    this.totals.refused += 1
    return poolError('POOL_QUEUE_FULL', { pool: this.pool, limit })
  }

  deadlock(leases: Iterable<Lease>, borrower: Borrower): Error {
    this.totals.deadlocks += 1
    const held = [...leases].map((lease) => describeBorrower(lease.borrower)).join(' | ')
    return poolError('POOL_DEADLOCK', { pool: this.pool, held, asked: describeBorrower(borrower) })
  }

  timeout(
    timeoutMs: number,
    { total, active, idle, waiting }: Pick<PoolStatus, 'total' | 'active' | 'idle' | 'waiting'>,
    leases: Iterable<Lease>,
    nowMs: number,
  ): Error {
    this.totals.timeouts += 1
    const holders = oldestHolders(leases, nowMs) || this.problem() || 'none'
    return poolError('POOL_TIMEOUT', { pool: this.pool, timeoutMs, total, active, idle, waiting, holders })
  }
}
