/** The metrics of the pools. */
import type { Collector, MetricFactory } from '../metrics/api.ts'
import type { PoolStatus } from './api.ts'
import type { ForeignPool } from './foreign/foreign-pool.ts'
import type { SqlPool } from './sql-pool.ts'
import type { QueryType } from './statements/fingerprint.ts'

type Measured = SqlPool | ForeignPool

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const types: readonly QueryType[] = ['select', 'insert', 'update', 'delete', 'other']
const labels = ['pool'] as const
/** Shapes of statements that are exposed, the most costly. */
const topStatements = 20

const numbers = [
  ['gauge', 'total', 'connections', 'Connections that are open.'],
  ['gauge', 'active', 'connections_active', 'Connections that are lent.'],
  ['gauge', 'idle', 'connections_idle', 'Connections that are free.'],
  ['gauge', 'waiting', 'connections_pending', 'Borrowers that wait.'],
  ['gauge', 'max', 'connections_max', 'Connections at most.'],
  ['gauge', 'min', 'connections_min', 'Idle connections that are always there.'],
  ['counter', 'timeouts', 'timeouts_total', 'Borrowers that waited too long.'],
  ['counter', 'refused', 'refused_total', 'Borrowers turned away since the line was full.'],
  ['counter', 'deadlocks', 'deadlocks_total', 'Borrowers refused since all wait for each other.'],
  ['counter', 'aborted', 'aborted_total', 'Borrowers that gave up waiting.'],
  ['counter', 'leaks', 'leaks_total', 'Connections held for longer than the threshold.'],
  ['counter', 'slow', 'slow_statements_total', 'Statements that took longer than the threshold.'],
  ['counter', 'created', 'connections_created_total', 'Connections opened.'],
  ['counter', 'connectFailures', 'connect_failures_total', 'Connections that could not be opened.'],
] as const

function histogramsOf(metrics: MetricFactory) {
  const histogram = (name: string, help: string) =>
    metrics.histogram({ name: `arkwatch_pool_${name}_seconds`, help, labels, buckets: seconds })
  const acquire = histogram('acquire', 'Time that borrowers waited for a connection.')
  const usage = histogram('usage', 'Time that connections were held.')
  const creation = histogram('creation', 'Time that opening a connection took.')
  const query = metrics.histogram({
    // The name is kept for existing users.
    name: 'arkrelay_database_query_duration_seconds',
    help: 'Time of statements, by their type.',
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

/** @returns observes all pools */
function observed(metrics: MetricFactory): (pools: ReadonlyMap<string, Measured>) => void {
  const batch = metrics.batch()
  const values = numbers.map(
    ([type, field, name, help]) => [field, batch[type]({ name: `arkwatch_pool_${name}`, help, labels })] as const,
  )
  const gauge = (name: string, help: string) => batch.gauge({ name: `arkwatch_pool_${name}`, help, labels })
  const maxwait = gauge('maxwait_seconds', 'How long the oldest borrower has waited.')
  const up = gauge('up', 'Whether the server can be reached.')
  const counter = <const L extends string>(name: string, help: string, label: L) =>
    batch.counter({ name: `arkwatch_pool_${name}_total`, help, labels: ['pool', label] as const })
  const closed = counter('connections_closed', 'Connections closed, by cause.', 'cause')
  const statements = counter('statements', 'Statements, of the shapes that cost most.', 'fingerprint')
  const statementSeconds = counter(
    'statement_seconds',
    'Time of statements, of the shapes that cost most.',
    'fingerprint',
  )
  const lent = counter('route_acquisitions', 'Connections lent, by route of the request.', 'route')
  const held = counter('route_held_seconds', 'Time that connections were held, by route of the request.', 'route')
  const observe = (pool: string, source: Measured) => {
    const status: Partial<PoolStatus> & Pick<PoolStatus, 'oldestWaitMs'> = source.status() as PoolStatus
    for (const [field, family] of values) family.set(status[field], { pool })
    maxwait.set(status.oldestWaitMs / 1_000, { pool })
    if (status.unavailable !== undefined) up.set(status.unavailable ? 0 : 1, { pool })
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
      const observe = observed(metrics)
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
