/** Makes this process, Redis and the other processes forget. */

import { matcher } from './keys.ts'
import type { Loads } from './loading/loads.ts'
import type { Lookups } from './loading/lookups.ts'
import type { MemoryTier } from './memory/memory-tier.ts'
import type { Invalidation } from './redis/invalidation-bus.ts'
import type { RedisTier } from './redis/redis-tier.ts'

export interface InvalidatorHouse {
  readonly memory: MemoryTier
  readonly redis: RedisTier | undefined
}

export class Invalidator {
  /** @param house read at each use: a reload changes it */
  constructor(
    private readonly house: InvalidatorHouse,
    private readonly loads: Loads,
    private readonly lookups: Lookups,
  ) {}

  /** What is under way for a key is not kept when it comes. */
  doom(key: string): void {
    this.loads.doom(key)
    this.lookups.doom(key)
  }

  /** Forgets in this process. @returns how many entries went; 0 for a tag, whose entries are left out when asked for */
  here([kind, what]: Invalidation): number {
    const { memory } = this.house
    if (kind === 'tag') {
      memory.tags.invalidate(what)
      return 0
    }
    if (kind === 'key') {
      this.doom(what)
      return memory.delete(what) ? 1 : 0
    }
    const matches = matcher(what)
    this.loads.doomAll(matches)
    this.lookups.doomAll(matches)
    return memory.deleteAll(what === '*' ? undefined : matches)
  }

  /** Forgets everywhere. @returns how many memory or Redis held, the larger number */
  async everywhere(invalidation: Invalidation): Promise<number> {
    const local = this.here(invalidation)
    const { redis } = this.house
    if (redis === undefined) return local
    const removed = await redis.bus.send(invalidation)
    // A look that began after the removal may have overtaken it: on a new connection, or while the script's text was
    // sent. From here on nothing is read before the removal was made.
    this.here(invalidation)
    return Math.max(local, removed ?? 0)
  }
}
