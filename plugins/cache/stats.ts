import type { Redis } from '../redis/api.ts'
import type { CacheStats, FullCacheStats } from './api.ts'
import type { CacheParts } from './cache-parts.ts'
import { advise } from './memory/ghosts.ts'

export function statsOf({ counts, memory, redis }: CacheParts, loadsPending: number): CacheStats {
  const hits = counts.local_hits + counts.redis_hits
  const lookups = hits + counts.misses
  const ghost = memory.ghosts?.estimate(lookups)
  return {
    ...counts,
    hits,
    hit_rate: (100 * hits) / Math.max(1, lookups),
    loads_pending: loadsPending,
    evictions: memory.gone.entries + memory.gone.bytes,
    evicted_bytes: memory.evictedBytes,
    evictions_by_cause: { ...memory.gone },
    rejected: memory.rejected,
    bus_waiting: redis?.bus.waiting ?? 0,
    redis_up: redis === undefined ? undefined : !redis.guard.isDown,
    local_cache_size: memory.size,
    local_cache_bytes: memory.bytes,
    groups: memory.groups.list(),
    ghost,
    advice: ghost && advise(ghost, lookups),
  }
}

/** Adds the INFO fields of the Redis server. */
export async function fullStatsOf(stats: CacheStats, redis: Redis | undefined): Promise<FullCacheStats> {
  const fields = await redis?.info().catch(() => undefined)
  const number = (field: string) => (fields?.has(field) ? Number(fields.get(field)) : null)
  return {
    ...stats,
    redis_memory_usage: number('used_memory'),
    redis_keyspace_hits: number('keyspace_hits'),
    redis_keyspace_misses: number('keyspace_misses'),
  }
}
