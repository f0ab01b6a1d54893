/** PURE. The memory tier: entries, invalidated tags, counts by group, and the ghosts where `advice` is on. */
import type { CacheEntryInfo } from '../api.ts'
import type { CacheConfig } from '../config.ts'
import type { StoredEntry } from '../entry-times.ts'
import { Entry, entryOverheadBytes, estimateBytes } from './entry.ts'
import { Ghosts } from './ghosts.ts'
import { KeyGroups } from './key-groups.ts'
import { type Limits, S3Fifo } from './s3-fifo.ts'
import { Tags } from './tags.ts'

const limitsOf = ({ maxEntries, maxSize }: CacheConfig): Limits => ({ maxEntries, maxBytes: maxSize })
const ghostsOf = (config: CacheConfig) => (config.advice ? new Ghosts(limitsOf(config)) : undefined)

export class MemoryTier {
  /** Entries removed, by cause. */
  readonly gone = { entries: 0, bytes: 0, expired: 0, tag: 0, invalidated: 0 }
  /** Estimated bytes of the entries that a limit evicted. */
  evictedBytes = 0
  /** Entries larger than the whole tier. */
  rejected = 0
  readonly tags: Tags
  /** Undefined without `advice`. */
  ghosts: Ghosts | undefined
  readonly groups: KeyGroups
  private readonly entries: S3Fifo<Entry>

  constructor(config: CacheConfig) {
    this.tags = new Tags(config.maxTags)
    this.ghosts = ghostsOf(config)
    this.groups = new KeyGroups(config.groups)
    this.entries = new S3Fifo(limitsOf(config), (entry, cause) => {
      this.gone[cause] += 1
      this.evictedBytes += entry.bytes
    })
  }

  /** Applies another config: evicts what is over the limits. The ghosts begin anew with other limits. */
  configure(config: CacheConfig): void {
    const limits = limitsOf(config)
    this.tags.max = config.maxTags
    if (this.groups.configure(config.groups))
      for (const entry of this.entries.values()) entry.group = this.groups.of(entry.key)
    if (Bun.deepEquals(limits, this.entries.limits) && config.advice === (this.ghosts !== undefined)) return
    this.entries.limits = limits
    this.entries.shrink()
    this.ghosts = ghostsOf(config)
    for (const entry of this.entries.values()) entry.sampled = this.isSampled(entry.key)
  }

  get size(): number {
    return this.entries.size
  }
  get bytes(): number {
    return this.entries.bytes
  }

  private isSampled(key: string): boolean {
    return this.ghosts?.isSampled(key) === true
  }

  /** The entry that may be served, fresh or stale; counts as a use. */
  find(key: string, nowMs: number): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) {
      if (this.isSampled(key)) this.ghosts?.use(key, nowMs)
      return undefined
    }
    const isExpired = entry.staleUntilMs <= nowMs
    if (isExpired || (entry.tags.length !== 0 && this.tags.isStale(entry.tags, entry.sequence))) {
      this.drop(entry, isExpired ? 'expired' : 'tag')
      if (entry.sampled) this.ghosts?.use(key, nowMs)
      return undefined
    }
    if (entry.sampled) this.ghosts?.use(key, nowMs, entry)
    return entry
  }

  private drop(entry: Entry, cause: 'expired' | 'tag'): void {
    this.entries.delete(entry.key, true)
    this.gone[cause] += 1
    if (cause === 'tag' && entry.sampled) this.ghosts?.drop(entry.key)
  }

  /** The entry, expired ones included; does not count as a use. */
  peek(key: string): Entry | undefined {
    return this.entries.peek(key)
  }

  /** Makes an entry without keeping it. @param sequence place among invalidations at which the load began */
  make(key: string, stored: StoredEntry, sequence: number): Entry {
    const bytes = entryOverheadBytes + key.length * 2 + (stored.valueBytes ?? estimateBytes(stored.value))
    return new Entry(key, stored.value, stored.tags, stored, sequence, bytes, this.isSampled(key), this.groups.of(key))
  }

  /** @param isNew the value was set, not loaded: the ghosts forget the previous one */
  keep(entry: Entry, isNew = false): void {
    if (!this.entries.set(entry)) this.rejected += 1
    if (!entry.sampled) return
    if (isNew) this.ghosts?.drop(entry.key)
    this.ghosts?.add(entry.key, entry.bytes, entry)
  }

  delete(key: string): boolean {
    const entry = this.entries.delete(key)
    this.ghosts?.drop(key)
    if (entry === undefined) return false
    this.gone.invalidated += 1
    return true
  }

  /** @returns entries removed */
  deleteAll(matches?: (key: string) => boolean): number {
    const count = this.size
    if (matches === undefined) {
      this.entries.clear()
      this.ghosts?.clear()
      this.gone.invalidated += count
      return count
    }
    const keys = [...this.entries.values()].map(({ key }) => key).filter(matches)
    for (const key of keys) this.delete(key)
    return keys.length
  }

  /** The entries without their values. */
  list(nowMs: number, limit = 100, prefix = ''): CacheEntryInfo[] {
    const found: CacheEntryInfo[] = []
    for (const { key, bytes, tags, freshUntilMs } of this.entries.values()) {
      if (found.length >= limit) break
      if (key.startsWith(prefix)) found.push({ key, bytes, tags, ttlMs: freshUntilMs - nowMs })
    }
    return found
  }
}
