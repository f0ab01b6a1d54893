/** What the parts of a cache work with. */
import type { Clock } from '../../core/plugin.ts'
import type { GroupCounts } from './api.ts'
import type { Settings } from './config.ts'
import type { Counts } from './counts.ts'
import type { MemoryTier } from './memory/memory-tier.ts'
import type { RedisTier } from './redis/redis-tier.ts'

/** Read at each use: a reload changes the clock and the Redis tier. */
export interface CacheParts {
  readonly settings: Settings
  readonly clock: Clock
  /** 0-1, for the jitter. */
  readonly random: () => number
  readonly memory: MemoryTier
  readonly redis: RedisTier | undefined
  readonly counts: Counts
  /** Counts for the cache and for the group of the key. @param by @default 1 */
  readonly count: (what: keyof GroupCounts, key: string, by?: number) => void
}
