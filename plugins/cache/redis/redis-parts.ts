/** What the parts of the Redis tier work with. */
import type { Clock } from '../../../core/plugin.ts'
import type { Redis } from '../../redis/api.ts'
import type { Settings } from '../config.ts'
import type { Counts } from '../counts.ts'
import type { RedisGuard } from './redis-guard.ts'

/** How long the removal of a key is noted: a load that takes longer is not kept in Redis. Milliseconds. */
export const tombstoneMs = 60_000
/** How long the invalidation of a tag is noted, and so the longest life of an entry in Redis. Milliseconds. */
export const tagKeepMs = 7 * 86_400_000

/** The names of the cache's keys in Redis. A reload may change the prefix. */
export class RedisNames {
  constructor(private readonly settings: Settings) {}
  get prefix(): string {
    return this.settings.config.prefix
  }
  get channel(): string {
    return `${this.prefix}#bus`
  }
  /** Orders invalidations. */
  get clock(): string {
    return `${this.prefix}#clock`
  }
  /** When a pattern was invalidated last. */
  get floor(): string {
    return `${this.prefix}#floor`
  }
  readonly entry = (key: string) => `${this.prefix}k:${key}`
  readonly tombstone = (key: string) => `${this.prefix}v:${key}`
  readonly tag = (tag: string) => `${this.prefix}t:${tag}`
  readonly lock = (key: string) => `${this.prefix}l:${key}`
}

export type Invalidation = readonly [kind: 'key' | 'tag' | 'pattern', name: string]

export interface RedisTierOptions {
  readonly redis: Redis
  readonly settings: Settings
  readonly clock: Clock
  readonly counts: Counts
  /** Called for an invalidation of another process; for the pattern `*` when messages may have been lost. */
  readonly onInvalidation: (invalidation: Invalidation) => void
}

export interface RedisParts extends RedisTierOptions {
  readonly guard: RedisGuard
  readonly names: RedisNames
}
