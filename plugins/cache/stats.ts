/** What the cache counts, as one object. */
import { advise } from './advice.ts'
import type { CacheStats, FullCacheStats } from './api.ts'
import type { Loads } from './loading/loads.ts'
import type { MemoryTier } from './memory/memory-tier.ts'
import type { RedisTier } from './redis/redis-tier.ts'

/** Counts of a Redis tier. */
export interface TierCounts {
  readonly poisoned: number
  readonly unstorable: number
  readonly redis_skipped: number
  readonly redis_errors: number
  readonly bus_dropped: number
  readonly bus_foreign: number
  readonly bus_generation: number
  readonly lock_avoided: number
  readonly lock_expired: number
}

export const noTierCounts: TierCounts = {
  poisoned: 0,
  unstorable: 0,
  redis_skipped: 0,
  redis_errors: 0,
  bus_dropped: 0,
  bus_foreign: 0,
  bus_generation: 0,
  lock_avoided: 0,
  lock_expired: 0,
}

export const tierCounts = (tier: RedisTier | undefined): TierCounts =>
  tier === undefined
    ? noTierCounts
    : {
        poisoned: tier.poisoned,
        unstorable: tier.unstorable,
        redis_skipped: tier.skipped,
        redis_errors: tier.guard.errors,
        bus_dropped: tier.bus.dropped,
        bus_foreign: tier.bus.foreign,
        bus_generation: tier.bus.generation,
        lock_avoided: tier.lock.avoided,
        lock_expired: tier.lock.expired,
      }

export const sumTierCounts = (a: TierCounts, b: TierCounts): TierCounts => ({
  poisoned: a.poisoned + b.poisoned,
  unstorable: a.unstorable + b.unstorable,
  redis_skipped: a.redis_skipped + b.redis_skipped,
  redis_errors: a.redis_errors + b.redis_errors,
  bus_dropped: a.bus_dropped + b.bus_dropped,
  bus_foreign: a.bus_foreign + b.bus_foreign,
  bus_generation: a.bus_generation + b.bus_generation,
  lock_avoided: a.lock_avoided + b.lock_avoided,
  lock_expired: a.lock_expired + b.lock_expired,
})

interface Counted {
  readonly counts: {
    readonly local_hits: number
    readonly redis_hits: number
    readonly stale_hits: number
    readonly misses: number
    readonly sets: number
    readonly deletes: number
  }
  readonly memory: MemoryTier
  readonly loads: Loads
  readonly redis: RedisTier | undefined
}

export function statsOf({ counts, memory, loads, redis }: Counted, tier: TierCounts): CacheStats {
  const hits = counts.local_hits + counts.redis_hits
  const uses = hits + counts.misses
  const ghost = memory.ghosts.estimate(uses)
  const { loads: started, load_failures, load_seconds, stampedes_avoided, sets } = loads.counts
  return {
    ...counts,
    ...tier,
    hits,
    hit_rate: (100 * hits) / Math.max(1, uses),
    sets: counts.sets + sets,
    loads: started,
    load_failures,
    load_seconds,
    stampedes_avoided,
    loads_pending: loads.size,
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
    advice: advise(ghost, uses),
  }
}

/** @param info fields of INFO, that of the server of the second tier */
export async function fullStatsOf(
  stats: CacheStats,
  info: (() => Promise<ReadonlyMap<string, string>>) | undefined,
): Promise<FullCacheStats> {
  const fields = await info?.().catch(() => undefined)
  const number = (field: string) => (fields?.has(field) ? Number(fields.get(field)) : null)
  return {
    ...stats,
    redis_memory_usage: number('used_memory'),
    redis_keyspace_hits: number('keyspace_hits'),
    redis_keyspace_misses: number('keyspace_misses'),
  }
}
