/** The metrics of the cache. */
import type { Collector, Counter } from '../metrics/api.ts'
import type { CacheStats } from './api.ts'
import type { TieredCache } from './engine.ts'

const counted = {
  stale_hits: 'Look-ups answered with a value in its grace.',
  sets: 'Values that were set or loaded.',
  deletes: 'Keys that were deleted.',
  evicted_bytes: 'Estimated bytes evicted from memory for want of room.',
  rejected: 'Entries larger than all of memory’s room.',
  load_seconds: 'Time spent in loaders.',
  stampedes_avoided: 'Callers who shared a load of this process.',
  lock_avoided: 'Loads that another process did while this one waited.',
  lock_expired: 'Waits for another process that ended without a value.',
  poisoned: 'Entries of Redis that could not be read.',
  unstorable: 'Entries that Redis could not be given.',
  redis_skipped: 'Looks into Redis left out, since too many were under way.',
  redis_errors: 'Commands of the cache that Redis failed.',
  bus_dropped: 'Invalidations folded into one of everything.',
  bus_foreign: 'Messages that no cache of this version wrote.',
  bus_generation: 'Times that the bus was joined.',
} as const
const names = Object.keys(counted) as (keyof typeof counted)[]

const byLabel = (stats: CacheStats) => ({
  gets: { memory: stats.local_hits, redis: stats.redis_hits, miss: stats.misses },
  loads: { success: stats.loads - stats.loads_pending - stats.load_failures, failure: stats.load_failures },
  evictions: stats.evictions_by_cause,
})

const gauged = {
  entries: ['Entries in memory.', (stats: CacheStats) => stats.local_cache_size],
  size_bytes: ['Estimated bytes in memory.', (stats: CacheStats) => stats.local_cache_bytes],
  loads_pending: ['Loads under way.', (stats: CacheStats) => stats.loads_pending],
  bus_waiting: ['Invalidations that wait for Redis.', (stats: CacheStats) => stats.bus_waiting],
} as const

export const cacheCollector = (cache: TieredCache): Collector => ({
  name: 'cache',
  setup(metrics) {
    const counter = (name: string, help: string) => metrics.counter({ name: `arkwatch_cache_${name}_total`, help })
    const labelled = <const L extends string>(name: string, label: L, help: string) =>
      metrics.counter({ name: `arkwatch_cache_${name}_total`, help, labels: [label] }) as Counter
    const counters = names.map((name) => [name, counter(name, counted[name])] as const)
    const families = {
      gets: ['result', labelled('gets', 'result', 'Look-ups by where they were answered.')],
      loads: ['result', labelled('loads', 'result', 'Loaders that ended.')],
      evictions: ['cause', labelled('evictions', 'cause', 'Entries that went from memory.')],
    } as const
    const gauges = Object.entries(gauged).map(
      ([name, [help, read]]) => [metrics.gauge({ name: `arkwatch_cache_${name}`, help }), read] as const,
    )
    const group = (name: string, help: string, more: readonly string[] = []) =>
      metrics.counter({ name: `arkwatch_cache_group_${name}_total`, help, labels: ['group', ...more] }) as Counter
    const groups = {
      gets: group('gets', 'Look-ups by group of keys and where they were answered.', ['result']),
      loads: group('loads', 'Loaders that were begun, by group of keys.'),
      load_failures: group('load_failures', 'Loaders that failed, by group of keys.'),
      load_seconds: group('load_seconds', 'Time spent in loaders, by group of keys.'),
    }
    const ghost = metrics.gauge({
      name: 'arkwatch_cache_ghost_hit_ratio',
      help: 'Hit ratio of the memory tier, estimated for a multiple of its entries.',
      labels: ['factor'],
    })
    /** What came since the last collection, of an instance before this one too. */
    const since = (key: string, value: number) => {
      const by = Math.max(0, value - (cache.published.get(key) ?? 0))
      cache.published.set(key, value)
      return by
    }
    return () => {
      const stats = cache.stats()
      for (const [name, each] of counters) each.inc({}, since(name, stats[name]))
      for (const [name, values] of Object.entries(byLabel(stats))) {
        const [label, family] = families[name as keyof typeof families]
        for (const [value, count] of Object.entries(values))
          family.inc({ [label]: value }, since(`${name}.${value}`, count))
      }
      for (const [name, counts] of Object.entries(stats.groups)) {
        const add = (family: Counter, labels: Record<string, string>, value: number) =>
          family.inc({ group: name, ...labels }, since(`group ${name} ${family.name} ${labels.result}`, value))
        const { local_hits: memory, redis_hits: redis, misses: miss } = counts
        for (const [result, value] of Object.entries({ memory, redis, miss })) add(groups.gets, { result }, value)
        for (const each of ['loads', 'load_failures', 'load_seconds'] as const) add(groups[each], {}, counts[each])
      }
      for (const [gauge, read] of gauges) gauge.set({}, read(stats))
      if (stats.ghost === undefined) return
      const { same, half, double, quadruple } = stats.ghost
      for (const [factor, ratio] of Object.entries({ '0.5': half, '1': same, '2': double, '4': quadruple }))
        ghost.set({ factor }, ratio)
    }
  },
})
