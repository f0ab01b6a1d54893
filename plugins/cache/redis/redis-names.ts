/** PURE. How the cache names what it keeps in Redis, and for how long it keeps what is not an entry. */

import type { Settings } from '../config.ts'

/** How long it is known that a key was removed: a load that takes longer is not kept in Redis. Milliseconds. */
export const tombstoneMs = 60_000
/** How long it is known that a tag was invalidated, and so the longest life of an entry in Redis. Milliseconds. */
export const tagKeepMs = 7 * 86_400_000

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
  /** When a pattern was removed last. */
  get floor(): string {
    return `${this.prefix}#floor`
  }
  entry(key: string): string {
    return `${this.prefix}k:${key}`
  }
  tombstone(key: string): string {
    return `${this.prefix}v:${key}`
  }
  tag(tag: string): string {
    return `${this.prefix}t:${tag}`
  }
  lock(key: string): string {
    return `${this.prefix}l:${key}`
  }
}
