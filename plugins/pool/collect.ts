/** The metrics of the pools, and their health check. */
import type { HealthCheck } from '../health/api.ts'
import type { Collector } from '../metrics/api.ts'
import type { QueryType } from './fingerprint.ts'
import type { NamedPools } from './pools.ts'

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const types: readonly QueryType[] = ['select', 'insert', 'update', 'delete', 'other']
const gauges = [
  ['total', 'arkwatch_pool_connections', 'Connections that are open.'],
  ['active', 'arkwatch_pool_connections_active', 'Connections that are lent.'],
  ['idle', 'arkwatch_pool_connections_idle', 'Connections that are free.'],
  ['waiting', 'arkwatch_pool_connections_pending', 'Borrowers that wait.'],
  ['max', 'arkwatch_pool_connections_max', 'Connections at most.'],
] as const

export const poolCollector = (pools: NamedPools): Collector => ({
  name: 'pool',
  setup(metrics) {
    const labels = ['pool'] as const
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
    const values = gauges.map(([field, name, help]) => [field, metrics.gauge({ name, help, labels })] as const)
    const maxwait = metrics.gauge({
      name: 'arkwatch_pool_maxwait_seconds',
      help: 'How long the oldest borrower has waited.',
      labels,
    })
    const up = metrics.gauge({ name: 'arkwatch_pool_up', help: 'Whether the server can be reached.', labels })
    const counter = (name: string, help: string) =>
      metrics.counter({ name: `arkwatch_pool_${name}_total`, help, labels })
    const counters = {
      timeouts: counter('timeouts', 'Borrowers that waited too long.'),
      deadlocks: counter('deadlocks', 'Borrowers refused since all wait for each other.'),
      leaks: counter('leaks', 'Connections held for longer than the threshold.'),
      created: counter('connections_created', 'Connections opened.'),
      connectFailures: counter('connect_failures', 'Connections that could not be opened.'),
    }
    const recycled = metrics.counter({
      name: 'arkwatch_pool_connections_closed_total',
      help: 'Connections closed, by cause.',
      labels: ['pool', 'cause'],
    })
    const seen = new Map<string, number>()
    /** What was added to a running total since the last look. */
    const since = (key: string, total: number): number => {
      const before = seen.get(key) ?? 0
      seen.set(key, total)
      return Math.max(0, total - before)
    }
    return () => {
      for (const [pool, { watch, status }] of [...pools.all].map(
        ([name, each]) => [name, { watch: each.watch, status: each.status() }] as const,
      )) {
        const { instruments } = watch
        instruments.acquire ??= acquire.labels({ pool })
        instruments.usage ??= usage.labels({ pool })
        instruments.creation ??= creation.labels({ pool })
        instruments.query ??= Object.fromEntries(
          types.map((type) => [type, query.labels({ query_type: type })]),
        ) as never
        for (const [field, gauge] of values) gauge.set({ pool }, status[field])
        maxwait.set({ pool }, status.oldestWaitMs / 1_000)
        up.set({ pool }, status.unavailable ? 0 : 1)
        for (const [name, family] of Object.entries(counters))
          family.inc({ pool }, since(`${pool} ${name}`, status[name as keyof typeof counters]))
        for (const [cause, count] of watch.closes)
          recycled.inc({ pool, cause }, since(`${pool} closed ${cause}`, count))
      }
    }
  },
})

/** Asks the server through the lane that stays free when the pool is exhausted. */
export const poolCheck = (pools: NamedPools): HealthCheck => ({
  name: 'pool.default',
  kind: 'pool',
  everyMs: 10_000,
  timeoutMs: 5_000,
  async run(signal) {
    await pools.get().query('SELECT 1', [], { lane: 'reserve', signal })
    const { active, idle, waiting, max, oldestWaitMs } = pools.get().status()
    const details = { active, idle, waiting, max }
    if (active < max || waiting === 0) return { status: 'up', details }
    return {
      status: 'degraded',
      message: `exhausted: ${waiting} wait, the oldest for ${Math.round(oldestWaitMs)} ms`,
      details,
    }
  },
})
