/** The observations of a pool for operators: holders, leaks, slow statements, and the numbers for metrics. */
import type { Clock, Logger } from '../../../core/plugin.ts'
import type { ObserverHandle } from '../../metrics/api.ts'
import type { Holder, PoolStatus } from '../api.ts'
import type { PoolSection } from '../config.ts'
import type { ConnectionPool } from '../lending/connection-pool.ts'
import { framesOf, type Lease, type PoolConnection, routeName } from '../lending/lease.ts'
import type { CloseReason, PoolEvents } from '../lending/pool-options.ts'
import type { Fingerprint, QueryType } from '../statements/fingerprint.ts'
import { SlowLog, StatementTable, UsageTable } from './tables.ts'

export interface WatchOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  readonly settings: Pick<PoolSection, 'leakThreshold' | 'slowStatement'>
}

/** The histograms of durations, in seconds; empty without the plugin metrics. */
export interface Instruments {
  acquire?: ObserverHandle
  usage?: ObserverHandle
  creation?: ObserverHandle
  query?: Readonly<Record<QueryType, ObserverHandle>>
}

/** How long `avgWaitMs` looks back, as PgBouncer's `stats_period`. */
const periodMs = 60_000

export class PoolWatch {
  readonly statements = new StatementTable()
  readonly instruments: Instruments = {}
  readonly closes = new Map<CloseReason, number>()
  readonly routes = new UsageTable()
  readonly slow: SlowLog
  settings: WatchOptions['settings']
  leaks = 0
  private readonly period = { sinceMs: 0, acquired: 0, waitedMs: 0 }
  /** Of the last full period. */
  avgWaitMs = 0

  constructor(private readonly options: WatchOptions) {
    this.slow = new SlowLog(options.clock, options.log)
    this.settings = options.settings
    this.period.sinceMs = options.clock.monotonic()
  }

  readonly events: PoolEvents<PoolConnection> = {
    acquired: (waitedMs) => {
      this.period.acquired += 1
      this.period.waitedMs += waitedMs
      this.instruments.acquire?.observe(waitedMs / 1_000)
    },
    released: (lease, heldMs) => {
      this.instruments.usage?.observe(heldMs / 1_000)
      const { route } = lease.borrower
      if (route !== undefined) this.routes.add(route, heldMs, lease.waitedMs)
      if (lease.leaked) this.options.log.info('connection returned after all', this.about(lease, heldMs))
    },
    created: (tookMs) => this.instruments.creation?.observe(tookMs / 1_000),
    closed: (reason) => void this.closes.set(reason, (this.closes.get(reason) ?? 0) + 1),
  }

  ended(lease: Lease, shape: Fingerprint, tookMs: number, failed: boolean, sample: string | undefined): void {
    this.instruments.query?.[shape.type].observe(tookMs / 1_000)
    this.statements.add(shape, tookMs, failed, sample)
    const { slowStatement } = this.settings
    if (slowStatement === 0 || tookMs < slowStatement) return
    const atMs = this.options.clock.now()
    this.slow.add({ ...this.about(lease, undefined), id: shape.id, atMs, tookMs: Math.round(tookMs), failed })
  }

  /** Begins a new period for `avgWaitMs` when the old one is over. */
  housekeep(nowMs: number): void {
    const { period } = this
    if (nowMs - period.sinceMs < periodMs) return
    this.avgWaitMs = period.acquired === 0 ? 0 : period.waitedMs / period.acquired
    Object.assign(period, { sinceMs: nowMs, acquired: 0, waitedMs: 0 })
  }

  /** Reports each lease that is held for longer than the threshold, once. */
  findLeaks(leases: Iterable<Lease>, nowMs: number): void {
    const { log } = this.options
    const { leakThreshold } = this.settings
    if (leakThreshold === 0) return
    for (const lease of leases) {
      const heldMs = nowMs - lease.sinceMs
      if (lease.leaked || lease.borrower.kind === 'query' || heldMs < leakThreshold) continue
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
    return sorted.map(({ entry, borrower, sinceMs, statement, statementSinceMs, inTransaction, leaked }) => ({
      pid: entry.connection.pid,
      kind: borrower.kind,
      sinceMs: clock.now() - (nowMs - sinceMs),
      heldMs: nowMs - sinceMs,
      route: routeName(borrower.route),
      requestId: borrower.requestId,
      statement,
      runningMs: statementSinceMs === undefined ? undefined : nowMs - statementSinceMs,
      idleInTransaction: inTransaction && statementSinceMs === undefined,
      leaked,
      stack: framesOf(borrower.where),
    }))
  }

  status<C extends PoolConnection>(
    pool: ConnectionPool<C>,
    reserve: ConnectionPool<C>,
    driver: PoolStatus['driver'],
    state: Pick<PoolStatus, 'state' | 'problem'>,
  ): PoolStatus {
    const { total, active, idle } = reserve.counts()
    return {
      name: this.options.name,
      driver,
      ...pool.counts(),
      avgWaitMs: this.avgWaitMs,
      ...state,
      paused: pool.paused,
      unavailable: state.state === 'unavailable',
      ...pool.refusals.totals,
      leaks: this.leaks,
      slow: this.slow.count,
      created: pool.connector.created + reserve.connector.created,
      closed: Object.fromEntries(this.closes),
      connectFailures: pool.connector.failures + reserve.connector.failures,
      reserve: { total, active, idle },
    }
  }

  private about({ borrower, statement, entry }: Lease, heldMs: number | undefined) {
    const { requestId, kind } = borrower
    const route = routeName(borrower.route)
    const request = { ...(route !== undefined && { route }), ...(requestId !== undefined && { requestId }) }
    const held = heldMs === undefined ? {} : { heldMs: Math.round(heldMs) }
    return { pool: this.options.name, pid: entry.connection.pid, kind, ...request, statement, ...held }
  }
}
