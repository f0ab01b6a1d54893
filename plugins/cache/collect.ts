/** The metrics of the cache. */
import type { Collector } from '../metrics/api.ts'
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
  redis_skipped: 'Looks into Redis left out, since too many were in progress.',
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
  loads_pending: ['Loads in progress.', (stats: CacheStats) => stats.loads_pending],
  bus_waiting: ['Invalidations that wait for Redis.', (stats: CacheStats) => stats.bus_waiting],
} as const

export const cacheCollector = (cache: TieredCache): Collector => ({
  name: 'cache',
  setup(metrics) {
    const batch = metrics.batch()
    let stats = cache.stats()
    const total = <const L extends string = never>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      read?: () => number,
    ) => batch.counter<L>({ name: `arkwatch_cache_${name}_total`, help, labels }, read)
    for (const name of names) total(name, counted[name], [], () => stats[name])
    const families = {
      gets: total('gets', 'Look-ups by where they were answered.', ['result']),
      // Loads that ended are a difference of two counts and may fall for a moment.
      loads: batch.counter({
        name: 'arkwatch_cache_loads_total',
        help: 'Loaders that ended.',
        labels: ['result'],
        tolerance: Number.POSITIVE_INFINITY,
      }),
      evictions: total('evictions', 'Entries that went from memory.', ['cause']),
    }
    for (const [name, [help, read]] of Object.entries(gauged))
      batch.gauge({ name: `arkwatch_cache_${name}`, help }, () => read(stats))
    const groupGets = total('group_gets', 'Look-ups by group of keys and where they were answered.', [
      'group',
      'result',
    ])
    const groups = {
      loads: total('group_loads', 'Loaders that were begun, by group of keys.', ['group']),
      load_failures: total('group_load_failures', 'Loaders that failed, by group of keys.', ['group']),
      load_seconds: total('group_load_seconds', 'Time spent in loaders, by group of keys.', ['group']),
    }
    const ghost = batch.gauge({
      name: 'arkwatch_cache_ghost_hit_ratio',
      help: 'Hit ratio of the memory tier, estimated for a multiple of its entries.',
      labels: ['factor'],
    })
    return () => {
      stats = cache.stats()
      batch.observe(() => {
        const { gets, loads, evictions } = byLabel(stats)
        for (const [result, count] of Object.entries(gets)) families.gets.set(count, { result })
        for (const [result, count] of Object.entries(loads)) families.loads.set(count, { result })
        for (const [cause, count] of Object.entries(evictions)) families.evictions.set(count, { cause })
        for (const [group, counts] of Object.entries(stats.groups)) {
          const { local_hits: memory, redis_hits: redis, misses: miss } = counts
          for (const [result, count] of Object.entries({ memory, redis, miss })) groupGets.set(count, { group, result })
          for (const each of ['loads', 'load_failures', 'load_seconds'] as const)
            groups[each].set(counts[each], { group })
        }
        if (stats.ghost === undefined) return
        const { same, half, double, quadruple } = stats.ghost
        for (const [factor, ratio] of Object.entries({ '0.5': half, '1': same, '2': double, '4': quadruple }))
          ghost.set(ratio, { factor })
      })
    }
  },
})
