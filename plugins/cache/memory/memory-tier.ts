/** PURE. The memory tier: entries, what makes them stale, and the ghosts that watch it. */
import type { CacheEntryInfo } from '../api.ts'
import type { CacheConfig } from '../config.ts'
import type { StoredEntry } from '../entry-times.ts'
import { Entry, entryOverheadBytes, estimateBytes } from './entry.ts'
import { Ghosts } from './ghosts.ts'
import { KeyGroups } from './key-groups.ts'
import { type Limits, S3Fifo } from './s3-fifo.ts'
import { Tags } from './tags.ts'

const limitsOf = ({ maxEntries, maxSize }: CacheConfig): Limits => ({ maxEntries, maxBytes: maxSize })

export class MemoryTier {
  /** Entries that went, by why. */
  readonly gone = { entries: 0, bytes: 0, expired: 0, tag: 0, invalidated: 0 }
  /** Estimated bytes of those that went for want of room. */
  evictedBytes = 0
  /** Entries larger than the whole tier. */
  rejected = 0
  readonly tags: Tags
  ghosts: Ghosts
  readonly groups: KeyGroups
  private readonly entries: S3Fifo<Entry>

  constructor(config: CacheConfig) {
    this.tags = new Tags(config.maxTags)
    this.ghosts = new Ghosts(limitsOf(config))
    this.groups = new KeyGroups(config.groups)
    this.entries = new S3Fifo(limitsOf(config), (entry, cause) => {
      this.gone[cause] += 1
      this.evictedBytes += entry.bytes
    })
  }

  /** Takes other limits; what is over them is evicted, and the ghosts begin anew. */
  configure(config: CacheConfig): void {
    const limits = limitsOf(config)
    this.tags.max = config.maxTags
    if (this.groups.configure(config.groups))
      for (const entry of this.entries.values()) entry.group = this.groups.of(entry.key)
    if (Bun.deepEquals(limits, this.entries.limits)) return
    this.entries.limits = limits
    this.entries.shrink()
    this.ghosts = new Ghosts(limits)
    for (const entry of this.entries.values()) entry.sampled = this.ghosts.isSampled(entry.key)
  }

  get size(): number {
    return this.entries.size
  }
  get bytes(): number {
    return this.entries.bytes
  }

  /** The entry that may be served, fresh or in its grace; counts as a use. */
  find(key: string, nowMs: number): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) {
      if (this.ghosts.isSampled(key)) this.ghosts.use(key, nowMs)
      return undefined
    }
    const isExpired = entry.staleUntilMs <= nowMs
    if (isExpired || (entry.tags.length !== 0 && this.tags.isStale(entry.tags, entry.sequence))) {
      this.lose(entry, isExpired ? 'expired' : 'tag')
      if (entry.sampled) this.ghosts.use(key, nowMs)
      return undefined
    }
    if (entry.sampled) this.ghosts.use(key, nowMs, entry)
    return entry
  }

  private lose(entry: Entry, cause: 'expired' | 'tag'): void {
    this.entries.delete(entry.key, true)
    this.gone[cause] += 1
    if (cause === 'tag' && entry.sampled) this.ghosts.drop(entry.key)
  }

  /** The entry, also one past its time; counts as no use. */
  peek(key: string): Entry | undefined {
    return this.entries.peek(key)
  }

  /** Makes an entry, and does not keep it. @param sequence place among invalidations at which its load began */
  make(key: string, stored: StoredEntry, sequence: number): Entry {
    const bytes = entryOverheadBytes + key.length * 2 + (stored.valueBytes ?? estimateBytes(stored.value))
    const isSampled = this.ghosts.isSampled(key)
    return new Entry(key, stored.value, stored.tags, stored, sequence, bytes, isSampled, this.groups.of(key))
  }

  /** @param isNew it was set and not loaded: the ghosts forget the one before */
  keep(entry: Entry, isNew = false): void {
    if (!this.entries.set(entry)) this.rejected += 1
    if (!entry.sampled) return
    if (isNew) this.ghosts.drop(entry.key)
    this.ghosts.add(entry.key, entry.bytes, entry)
  }

  delete(key: string): boolean {
    const entry = this.entries.delete(key)
    if (this.ghosts.isSampled(key)) this.ghosts.drop(key)
    if (entry === undefined) return false
    this.gone.invalidated += 1
    return true
  }

  /** @returns how many went */
  deleteAll(matches?: (key: string) => boolean): number {
    const count = this.size
    if (matches === undefined) {
      this.entries.clear()
      this.ghosts.clear()
      this.gone.invalidated += count
      return count
    }
    const keys = [...this.entries.values()].map(({ key }) => key).filter(matches)
    for (const key of keys) this.delete(key)
    return keys.length
  }

  /** What it holds, without the values. */
  list(nowMs: number, limit = 100, prefix = ''): CacheEntryInfo[] {
    const found: CacheEntryInfo[] = []
    for (const { key, bytes, tags, freshUntilMs } of this.entries.values()) {
      if (found.length >= limit) break
      if (key.startsWith(prefix)) found.push({ key, bytes, tags, ttlMs: freshUntilMs - nowMs })
    }
    return found
  }
}
