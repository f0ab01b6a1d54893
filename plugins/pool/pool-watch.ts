/** What operators want to know of a pool: who holds, what leaks, what is slow, and the numbers for metrics. */
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/log.ts'
import type { ObserverHandle } from '../metrics/api.ts'
import type { Holder, PoolStatus } from './api.ts'
import type { Fingerprint, QueryType } from './fingerprint.ts'
import { framesOf, type Lease, type PoolConnection } from './lease.ts'
import type { CloseReason, PoolEvents } from './pool-options.ts'
import type { PoolState } from './pool-state.ts'
import { StatementTable } from './statement-table.ts'

export interface WatchOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds, 0 for never. */
  readonly leakThresholdMs: number
  /** Milliseconds, 0 for never. */
  readonly slowStatementMs: number
}

/** Where durations go, in seconds; empty while nobody measures. */
export interface Instruments {
  acquire?: ObserverHandle
  usage?: ObserverHandle
  creation?: ObserverHandle
  query?: Readonly<Record<QueryType, ObserverHandle>>
}

/** Slow statements that are logged in a second; the others are counted. */
const slowPerSecond = 10

export class PoolWatch {
  readonly statements = new StatementTable()
  readonly instruments: Instruments = {}
  readonly closes = new Map<CloseReason, number>()
  leaks = 0
  slow = 0
  private slowSecond = 0
  private slowLogged = 0

  constructor(private readonly options: WatchOptions) {}

  readonly events: PoolEvents<PoolConnection> = {
    acquired: (waitedMs) => this.instruments.acquire?.observe(waitedMs / 1_000),
    released: (lease, heldMs) => {
      this.instruments.usage?.observe(heldMs / 1_000)
      if (lease.leaked) this.options.log.info('connection returned after all', this.about(lease, heldMs))
    },
    created: (tookMs) => this.instruments.creation?.observe(tookMs / 1_000),
    closed: (reason) => void this.closes.set(reason, (this.closes.get(reason) ?? 0) + 1),
  }

  ended(lease: Lease, { text, type }: Fingerprint, tookMs: number, failed: boolean): void {
    this.instruments.query?.[type].observe(tookMs / 1_000)
    this.statements.add(text, tookMs, failed)
    const { slowStatementMs, clock, log } = this.options
    if (slowStatementMs === 0 || tookMs < slowStatementMs) return
    this.slow += 1
    const second = Math.floor(clock.monotonic() / 1_000)
    if (second !== this.slowSecond) this.slowLogged = 0
    this.slowSecond = second
    this.slowLogged += 1
    if (this.slowLogged <= slowPerSecond)
      log.warn('slow statement', { ...this.about(lease, undefined), tookMs, failed })
  }

  /** Reports once whoever holds for longer than the threshold. */
  findLeaks(leases: Iterable<Lease>, nowMs: number): void {
    const { leakThresholdMs, log } = this.options
    if (leakThresholdMs === 0) return
    for (const lease of leases) {
      const heldMs = nowMs - lease.sinceMs
      if (lease.leaked || lease.borrower.kind === 'query' || heldMs < leakThresholdMs) continue
      lease.leaked = true
      this.leaks += 1
      log.warn('connection held for long: a leak?', {
        ...this.about(lease, heldMs),
        stack: framesOf(lease.borrower.where),
      })
    }
  }

  /** Oldest first. */
  holders(leases: readonly Lease[]): Holder[] {
    const { clock } = this.options
    const nowMs = clock.monotonic()
    const sorted = leases.toSorted((a, b) => a.sinceMs - b.sinceMs)
    return sorted.map(({ slot, borrower, sinceMs, statement, statementSinceMs, inTransaction, leaked }) => ({
      pid: slot.connection.pid,
      kind: borrower.kind,
      sinceMs: clock.now() - (nowMs - sinceMs),
      heldMs: nowMs - sinceMs,
      route: borrower.route,
      requestId: borrower.requestId,
      statement,
      runningMs: statementSinceMs === undefined ? undefined : nowMs - statementSinceMs,
      idleInTransaction: inTransaction && statementSinceMs === undefined,
      leaked,
      stack: framesOf(borrower.where),
    }))
  }

  status<C extends PoolConnection>(pool: PoolState<C>, driver: PoolStatus['driver']): PoolStatus {
    const { created, failures, problem = '' } = pool.connector
    const { timeouts, deadlocks } = pool.totals
    const totals = { timeouts, deadlocks, leaks: this.leaks, created, connectFailures: failures }
    return { name: this.options.name, driver, ...pool.counts(), paused: pool.paused, problem, ...totals }
  }

  private about({ borrower, statement, slot }: Lease, heldMs: number | undefined) {
    const { route, requestId, kind } = borrower
    const request = { ...(route !== undefined && { route }), ...(requestId !== undefined && { requestId }) }
    const held = heldMs === undefined ? {} : { heldMs: Math.round(heldMs) }
    return { pool: this.options.name, pid: slot.connection.pid, kind, ...request, statement, ...held }
  }
}
