/** The metrics and the health checks of the pools. */
import type { CheckResult, HealthCheck } from '../health/api.ts'
import type { Collector, MetricFactory } from '../metrics/api.ts'
import type { PoolStatus } from './api.ts'
import type { ForeignPool } from './foreign/foreign-pool.ts'
import type { SqlPool } from './sql-pool.ts'
import type { QueryType } from './statements/fingerprint.ts'
import { stateReason } from './watch/server-watch.ts'

type Measured = SqlPool | ForeignPool

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const types: readonly QueryType[] = ['select', 'insert', 'update', 'delete', 'other']
const labels = ['pool'] as const
/** Fingerprints that are exposed, the most expensive ones. */
const topStatements = 20

const numbers = [
  [
    'gauge',
    'total',
    'connections',
    'Open connections of the pool, without the connections that are reserved for health and admin.',
  ],
  ['gauge', 'active', 'connections_active', 'Connections of the pool that are lent.'],
  ['gauge', 'idle', 'connections_idle', 'Open connections of the pool that are not lent.'],
  ['gauge', 'waiting', 'connections_pending', 'Borrowers in the waiting queue of the pool.'],
  ['gauge', 'max', 'connections_max', 'Largest number of connections of the pool.'],
  ['gauge', 'min', 'connections_min', 'Idle connections that the pool keeps open.'],
  ['counter', 'timeouts', 'timeouts_total', 'Borrowers that waited longer than acquireTimeout.'],
  ['counter', 'refused', 'refused_total', 'Borrowers refused because the waiting queue was full.'],
  [
    'counter',
    'deadlocks',
    'deadlocks_total',
    'Borrowers refused because every holder waited for a further connection.',
  ],
  ['counter', 'aborted', 'aborted_total', 'Borrowers that aborted while waiting for a connection.'],
  ['counter', 'leaks', 'leaks_total', 'Connections held longer than leakThreshold.'],
  ['counter', 'slow', 'slow_statements_total', 'Statements that took longer than slowStatement.'],
  ['counter', 'created', 'connections_created_total', 'Connections to the database opened.'],
  ['counter', 'connectFailures', 'connect_failures_total', 'Attempts to connect to the database that failed.'],
] as const

function histogramsOf(metrics: MetricFactory) {
  const histogram = (name: string, help: string) =>
    metrics.histogram({ name: `arkwatch_pool_${name}_seconds`, help, labels, buckets: seconds })
  const acquire = histogram('acquire', 'Time that borrowers waited for a connection.')
  const usage = histogram('usage', 'Time that connections were held.')
  const creation = histogram('creation', 'Time to open a connection to the database.')
  const query = metrics.histogram({
    // The name is kept for existing users.
    name: 'arkrelay_database_query_duration_seconds',
    help: 'Duration of SQL statements, by type of statement.',
    labels: ['query_type'],
    buckets: seconds,
  })
  return {
    attach({ name: pool, watch }: Measured): void {
      watch.instruments.acquire = acquire.labels({ pool })
      watch.instruments.usage = usage.labels({ pool })
      watch.instruments.creation = creation.labels({ pool })
      const byType = types.map((type) => [type, query.labels({ query_type: type })])
      watch.instruments.query = Object.fromEntries(byType)
    },
    forget(pool: string): void {
      for (const family of [acquire, usage, creation]) family.remove({ pool })
    },
  }
}

/**
 * @param source counts, through the pools: a pool that replaces one of its name begins at zero
 * @returns observes all pools
 */
function observed(metrics: MetricFactory, source: object): (pools: ReadonlyMap<string, Measured>) => void {
  const batch = metrics.batch()
  const values = numbers.map(
    ([type, field, name, help]) =>
      [field, batch[type]({ name: `arkwatch_pool_${name}`, help, labels, source })] as const,
  )
  const gauge = (name: string, help: string) => batch.gauge({ name: `arkwatch_pool_${name}`, help, labels })
  const maxwait = gauge('maxwait_seconds', 'Waiting time of the borrower that has waited longest.')
  const reserve = gauge('reserve_connections', 'Open connections for health and admin.')
  const up = gauge(
    'up',
    'Whether the database server can be reached, also while the pool is paused: 1 yes, 0 no, or drained.',
  )
  const counter = <const L extends string>(name: string, help: string, label: L, more = {}) =>
    batch.counter({ name: `arkwatch_pool_${name}_total`, help, labels: ['pool', label] as const, ...more })
  const closed = counter('connections_closed', 'Connections to the database closed, by cause.', 'cause', { source })
  const statements = counter('statements', 'SQL statements of the most expensive fingerprints.', 'fingerprint')
  const statementSeconds = counter(
    'statement_seconds',
    'Duration of the SQL statements of the most expensive fingerprints.',
    'fingerprint',
  )
  const lent = counter('route_acquisitions', 'Connections lent, by route of the request.', 'route', { source })
  const held = counter('route_held_seconds', 'Time that connections were held, by route of the request.', 'route', {
    source,
  })
  const observe = (pool: string, source: Measured) => {
    const status: Partial<PoolStatus> & Pick<PoolStatus, 'oldestWaitMs'> = source.status() as PoolStatus
    for (const [field, family] of values) family.set(status[field], { pool })
    maxwait.set(status.oldestWaitMs / 1_000, { pool })
    const { state, created, reserve: few } = status
    if (few !== undefined) reserve.set(few.total, { pool })
    const isUp = state === 'ok' || state === 'paused'
    // Before the first contact it is not known.
    if (state !== undefined && !(isUp && created === 0)) up.set(isUp ? 1 : 0, { pool })
    for (const [cause, count] of Object.entries(status.closed ?? {})) closed.set(count, { pool, cause })
    for (const { id: fingerprint, count, totalMs } of source.statements(topStatements)) {
      statements.set(count, { pool, fingerprint })
      statementSeconds.set(totalMs / 1_000, { pool, fingerprint })
    }
    for (const { route, count, heldMs } of source.routes()) {
      lent.set(count, { pool, route })
      held.set(heldMs / 1_000, { pool, route })
    }
  }
  return (pools) =>
    batch.observe(() => {
      for (const [name, source] of pools) observe(name, source)
    })
}

/** Measures pools while metrics is there. */
export class PoolMetrics {
  private readonly pools = new Map<string, Measured>()
  private histograms: ReturnType<typeof histogramsOf> | undefined

  readonly collector: Collector = {
    name: 'pool',
    setup: (metrics) => {
      const observe = observed(metrics, this)
      this.histograms = histogramsOf(metrics)
      for (const pool of this.pools.values()) this.histograms.attach(pool)
      return () => observe(this.pools)
    },
  }

  /** @returns removes the series of the pool */
  add(pool: Measured): () => void {
    this.pools.set(pool.name, pool)
    this.histograms?.attach(pool)
    return () => {
      if (!this.pools.delete(pool.name)) return
      this.histograms?.forget(pool.name)
    }
  }
}

export const poolCheckName = (pool: string): string => `pool.${pool}`

/** Asks the server, and shows the state of the pool. */
export const poolCheck = (pool: SqlPool): HealthCheck => ({
  name: poolCheckName(pool.name),
  kind: 'pool',
  everyMs: 10_000,
  timeoutMs: 6_000,
  async run(): Promise<CheckResult> {
    const unanswered = await pool.server.ask()
    const status = pool.status()
    const { state, active, idle, waiting, max, oldestWaitMs } = status
    const details = { active, idle, waiting, max }
    const message = stateReason(status)
    if (message !== undefined) return { status: state === 'paused' ? 'degraded' : 'down', message, details }
    if (unanswered !== undefined)
      return { status: 'degraded', message: `no connection for health and admin: ${unanswered}`, details }
    if (active < max || waiting === 0) return { status: 'up', details }
    const longest = Math.round(oldestWaitMs)
    return { status: 'degraded', message: `exhausted: ${waiting} wait, the oldest for ${longest} ms`, details }
  },
})
