/** The metrics of the cache. */
import type { Collector } from '../metrics/api.ts'
import type { TieredCache } from './tiered-cache.ts'

const counted = {
  local_hits: 'Look-ups answered from memory.',
  redis_hits: 'Look-ups answered from Redis.',
  stale_hits: 'Look-ups answered with a value in its grace.',
  misses: 'Look-ups that found nothing.',
  loads: 'Loaders that ran.',
  load_failures: 'Loaders that failed.',
  load_seconds: 'Time spent in loaders.',
  evictions: 'Entries evicted from memory for want of room.',
  expirations: 'Entries dropped past their time or by a tag.',
  stampedes_avoided: 'Callers who shared a load.',
  poisoned: 'Entries of Redis that could not be read.',
  redis_errors: 'Commands of the cache that Redis failed.',
  bus_dropped: 'Invalidations folded into one of everything.',
} as const
const names = Object.keys(counted) as (keyof typeof counted)[]

export const cacheCollector = (cache: TieredCache): Collector => ({
  name: 'cache',
  setup(metrics) {
    const counters = names.map((name) => metrics.counter({ name: `arkwatch_cache_${name}_total`, help: counted[name] }))
    const before = names.map(() => 0)
    const entries = metrics.gauge({ name: 'arkwatch_cache_entries', help: 'Entries in memory.' })
    const bytes = metrics.gauge({ name: 'arkwatch_cache_size_bytes', help: 'Estimated bytes in memory.' })
    return () => {
      const stats = cache.stats()
      for (const [index, name] of names.entries()) {
        counters[index]!.inc({}, stats[name] - before[index]!)
        before[index] = stats[name]
      }
      entries.set({}, stats.local_cache_size)
      bytes.set({}, stats.local_cache_bytes)
    }
  },
})
