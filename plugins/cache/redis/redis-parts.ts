/** What the parts of the Redis tier work with. */
import type { Clock } from '../../../core/plugin.ts'
import type { Redis } from '../../redis/api.ts'
import type { Settings } from '../config.ts'
import type { Counts } from '../counts.ts'
import type { RedisGuard } from './redis-guard.ts'
import type { RedisNames } from './redis-names.ts'

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
