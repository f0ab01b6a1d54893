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

const gauges = [
  ['total', 'arkwatch_pool_connections', 'Connections that are open.'],
  ['active', 'arkwatch_pool_connections_active', 'Connections that are lent.'],
  ['idle', 'arkwatch_pool_connections_idle', 'Connections that are free.'],
  ['waiting', 'arkwatch_pool_connections_pending', 'Borrowers that wait.'],
  ['max', 'arkwatch_pool_connections_max', 'Connections at most.'],
  ['min', 'arkwatch_pool_connections_min', 'Idle connections that are always there.'],
] as const

const counters = [
  ['timeouts', 'timeouts', 'Borrowers that waited too long.'],
  ['refused', 'refused', 'Borrowers turned away since the line was full.'],
  ['deadlocks', 'deadlocks', 'Borrowers refused since all wait for each other.'],
  ['aborted', 'aborted', 'Borrowers that gave up waiting.'],
  ['leaks', 'leaks', 'Connections held for longer than the threshold.'],
  ['slow', 'slow_statements', 'Statements that took longer than the threshold.'],
  ['created', 'connections_created', 'Connections opened.'],
  ['connectFailures', 'connect_failures', 'Connections that could not be opened.'],
] as const

function histogramsOf(metrics: MetricFactory) {
  const histogram = (name: string, help: string) =>
    metrics.histogram({ name: `arkwatch_pool_${name}_seconds`, help, labels, buckets: seconds })
  const acquire = histogram('acquire', 'Time that borrowers waited for a connection.')
  const usage = histogram('usage', 'Time that connections were held.')
  const creation = histogram('creation', 'Time that opening a connection took.')
  const query = metrics.histogram({
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

/** What is read at each scrape. */
function familiesOf(metrics: MetricFactory) {
  const values = gauges.map(([field, name, help]) => [field, metrics.gauge({ name, help, labels })] as const)
  const totals = counters.map(([field, name, help]) => {
    const family = metrics.counter({ name: `arkwatch_pool_${name}_total`, help, labels })
    return [field, family] as const
  })
  const gauge = (name: string, help: string) => metrics.gauge({ name: `arkwatch_pool_${name}`, help, labels })
  const maxwait = gauge('maxwait_seconds', 'How long the oldest borrower has waited.')
  const up = gauge('up', 'Whether the server can be reached.')
  const counter = <const L extends string>(name: string, help: string, more: readonly L[]) =>
    metrics.counter({ name: `arkwatch_pool_${name}_total`, help, labels: ['pool', ...more] as const })
  const closed = counter('connections_closed', 'Connections closed, by cause.', ['cause'])
  const shape = ['fingerprint'] as const
  const statements = counter('statements', 'Statements, of the shapes that cost most.', shape)
  const statementSeconds = counter('statement_seconds', 'Time of statements, of the shapes that cost most.', shape)
  const lent = counter('route_acquisitions', 'Connections lent, by route of the request.', ['route'])
  const held = counter('route_held_seconds', 'Time that connections were held, by route of the request.', ['route'])
  const seen = new Map<string, number>()
  /** What was added to a running total since the last look. */
  const since = (key: string, total: number): number => {
    const before = seen.get(key) ?? 0
    seen.set(key, total)
    return Math.max(0, total - before)
  }
  const perPool: readonly { remove(labels: { pool: string }): void }[] = [
    ...[...values, ...totals].map(([, family]) => family),
    ...[maxwait, up, closed, statements, statementSeconds, lent, held],
  ]
  return {
    read(pool: string, source: Measured): void {
      const status: Partial<PoolStatus> & Pick<PoolStatus, 'oldestWaitMs'> = source.status() as PoolStatus
      for (const [field, family] of values) {
        const value = status[field]
        if (value !== undefined) family.set({ pool }, value)
      }
      maxwait.set({ pool }, status.oldestWaitMs / 1_000)
      if (status.unavailable !== undefined) up.set({ pool }, status.unavailable ? 0 : 1)
      for (const [field, family] of totals) {
        const value = status[field]
        if (value !== undefined) family.inc({ pool }, since(`${pool} ${field}`, value))
      }
      for (const [cause, count] of Object.entries(status.closed ?? {}))
        closed.inc({ pool, cause }, since(`${pool} closed ${cause}`, count))
      statements.remove({ pool })
      statementSeconds.remove({ pool })
      for (const { id: fingerprint, count, totalMs } of source.statements(topStatements)) {
        statements.inc({ pool, fingerprint }, count)
        statementSeconds.inc({ pool, fingerprint }, totalMs / 1_000)
      }
      for (const { route, count, heldMs } of source.routes()) {
        lent.inc({ pool, route }, since(`${pool} lent ${route}`, count))
        held.inc({ pool, route }, since(`${pool} held ${route}`, heldMs) / 1_000)
      }
    },
    forget(pool: string): void {
      for (const family of perPool) family.remove({ pool })
      for (const key of seen.keys()) if (key.startsWith(`${pool} `)) seen.delete(key)
    },
  }
}

/** Measures pools while metrics is there. */
export class PoolMetrics {
  private readonly pools = new Map<string, Measured>()
  private attached: { attach(pool: Measured): void; forget(pool: string): void } | undefined

  readonly collector: Collector = {
    name: 'pool',
    setup: (metrics) => {
      const histograms = histogramsOf(metrics)
      const families = familiesOf(metrics)
      this.attached = {
        attach: histograms.attach,
        forget(pool) {
          histograms.forget(pool)
          families.forget(pool)
        },
      }
      for (const pool of this.pools.values()) histograms.attach(pool)
      return () => {
        for (const [name, pool] of this.pools) families.read(name, pool)
      }
    },
  }

  /** @returns takes its series back */
  add(pool: Measured): () => void {
    this.pools.set(pool.name, pool)
    this.attached?.attach(pool)
    return () => {
      if (!this.pools.delete(pool.name)) return
      this.attached?.forget(pool.name)
    }
  }
}
