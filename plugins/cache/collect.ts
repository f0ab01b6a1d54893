import type { Collector } from '../metrics/api.ts'
import type { CacheStats } from './api.ts'
import type { TieredCache } from './engine.ts'

const counted = {
  stale_hits: 'Cache lookups answered with a stale value.',
  sets: 'Values written to the cache by a caller or a loader.',
  deletes: 'Keys deleted from the cache.',
  evicted_bytes: 'Estimated bytes evicted from the memory tier because the tier was full.',
  rejected: 'Values not kept in the memory tier because the value is larger than the tier.',
  load_seconds: 'Time spent in loaders of the cache.',
  stampedes_avoided: 'Cache callers that joined a load in progress in this process.',
  lock_avoided: 'Values received from another process that held the load lock.',
  lock_expired: 'Waits for the load lock of another process that ended without a value.',
  poisoned: 'Cache entries in Redis that could not be decoded.',
  unstorable: 'Cache entries that could not be stored in Redis.',
  redis_skipped: 'Cache lookups in Redis skipped because too many were in progress.',
  redis_errors: 'Commands of the cache that failed in Redis.',
  bus_dropped: 'Invalidations replaced by an invalidation of all keys because too many waited for Redis.',
  bus_foreign: 'Invalidation messages ignored because another version or program sent the message.',
  bus_generation: 'Subscriptions to the invalidation messages of other processes.',
} as const

const byLabel = (stats: CacheStats) => ({
  gets: { memory: stats.local_hits, redis: stats.redis_hits, miss: stats.misses },
  loads: { success: stats.loads - stats.loads_pending - stats.load_failures, failure: stats.load_failures },
  evictions: stats.evictions_by_cause,
})

const gauged = {
  entries: ['Entries in the memory tier of the cache.', (stats: CacheStats) => stats.local_cache_size],
  size_bytes: ['Estimated bytes in the memory tier of the cache.', (stats: CacheStats) => stats.local_cache_bytes],
  loads_pending: ['Loads of the cache in progress.', (stats: CacheStats) => stats.loads_pending],
  bus_waiting: ['Cache invalidations that wait for Redis.', (stats: CacheStats) => stats.bus_waiting],
} as const

export const cacheCollector = (source: TieredCache): Collector => ({
  name: 'cache',
  setup(metrics) {
    const batch = metrics.batch()
    let stats = source.stats()
    const total = <const L extends string = never>(name: string, help: string, ...labels: L[]) =>
      batch.counter<L>({ name: `arkwatch_cache_${name}_total`, help, labels, source })
    for (const [name, help] of Object.entries(counted))
      batch.counter({ name: `arkwatch_cache_${name}_total`, help, source }, () => stats[name as keyof typeof counted])
    const families = {
      gets: total('gets', 'Cache lookups by tier that answered, or miss.', 'result'),
      // Loads that ended are a difference of two counts and may fall for a moment.
      loads: batch.counter({
        name: 'arkwatch_cache_loads_total',
        help: 'Cache loads that ended, by result.',
        labels: ['result'],
        source,
        tolerance: Number.POSITIVE_INFINITY,
      }),
      evictions: total('evictions', 'Entries that left the memory tier of the cache, by cause.', 'cause'),
    }
    for (const [name, [help, read]] of Object.entries(gauged))
      batch.gauge({ name: `arkwatch_cache_${name}`, help }, () => read(stats))
    const groupGets = total(
      'group_gets',
      'Cache lookups by key group and by tier that answered, or miss.',
      'group',
      'result',
    )
    const groups = [
      ['loads', total('group_loads', 'Cache loads begun, by key group.', 'group')],
      ['load_failures', total('group_load_failures', 'Cache loads that failed, by key group.', 'group')],
      ['load_seconds', total('group_load_seconds', 'Time spent in loaders of the cache, by key group.', 'group')],
    ] as const
    const ghost = batch.gauge({
      name: 'arkwatch_cache_ghost_hit_ratio',
      help: 'Estimated hit ratio of the memory tier with `factor` times the entries.',
      labels: ['factor'],
    })
    return () => {
      stats = source.stats()
      batch.observe(() => {
        const { gets, loads, evictions } = byLabel(stats)
        for (const [result, count] of Object.entries(gets)) families.gets.set(count, { result })
        for (const [result, count] of Object.entries(loads)) families.loads.set(count, { result })
        for (const [cause, count] of Object.entries(evictions)) families.evictions.set(count, { cause })
        for (const [group, counts] of Object.entries(stats.groups)) {
          const { local_hits: memory, redis_hits: redis, misses: miss } = counts
          for (const [result, count] of Object.entries({ memory, redis, miss })) groupGets.set(count, { group, result })
          for (const [field, family] of groups) family.set(counts[field], { group })
        }
        if (stats.ghost === undefined) return
        const { same, half, double, quadruple } = stats.ghost
        for (const [factor, ratio] of Object.entries({ '0.5': half, '1': same, '2': double, '4': quadruple }))
          ghost.set(ratio, { factor })
      })
    }
  },
})
