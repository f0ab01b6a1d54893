/** Invalidates keys, tags and patterns in this process, in Redis and in the other processes. */
import type { CacheParts } from './cache-parts.ts'
import { matcher } from './keys.ts'
import type { Flights } from './loading/flights.ts'
import type { Invalidation } from './redis/redis-parts.ts'

export class Invalidator {
  /** @param flights the lookups and the loads in progress */
  constructor(
    private readonly parts: CacheParts,
    private readonly flights: readonly Pick<Flights, 'invalidate' | 'invalidateMatching'>[],
  ) {}

  /** The lookup and the load of a key in progress are not kept. */
  mustNotKeep(key: string): void {
    for (const each of this.flights) each.invalidate(key)
  }

  /** Invalidates in this process. @returns entries removed; 0 for a tag, whose entries are removed when next read */
  here([kind, name]: Invalidation): number {
    const { memory } = this.parts
    if (kind === 'tag') {
      memory.tags.invalidate(name)
      return 0
    }
    if (kind === 'key') {
      this.mustNotKeep(name)
      return memory.delete(name) ? 1 : 0
    }
    const matches = matcher(name)
    for (const each of this.flights) each.invalidateMatching(matches)
    return memory.deleteAll(name === '*' ? undefined : matches)
  }

  /** Invalidates in every process. @returns entries removed from memory or from Redis, the larger number */
  async everywhere(invalidation: Invalidation): Promise<number> {
    const local = this.here(invalidation)
    const { redis } = this.parts
    if (redis === undefined) return local
    const removed = await redis.bus.send(invalidation)
    // A lookup that began after the removal may have overtaken it: on a new connection, or while the text of the
    // script was sent. From here on nothing is read before the removal.
    this.here(invalidation)
    return Math.max(local, removed ?? 0)
  }
}
