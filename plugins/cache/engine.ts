/** The cache: memory, then Redis, then the loader, one load in progress for each key. */
import { type Clock, withDeadline } from '../../core/plugin.ts'
import type { Redis } from '../redis/api.ts'
import type { Cache, CacheOptions, CacheStats, FullCacheStats, Loader, LoadOptions, WrapOptions } from './api.ts'
import type { CacheParts } from './cache-parts.ts'
import type { CacheConfig, Settings } from './config.ts'
import { newCounts } from './counts.ts'
import { checkedMs, entryTimes, isAged } from './entry-times.ts'
import { cacheError } from './errors.ts'
import { Invalidator } from './invalidator.ts'
import { keyOfCall } from './keys.ts'
import { Loads } from './loading/loads.ts'
import { type LookedUp, Lookups } from './loading/lookups.ts'
import type { Entry } from './memory/entry.ts'
import { MemoryTier } from './memory/memory-tier.ts'
import { namespaceOf } from './namespace.ts'
import { RedisTier } from './redis/redis-tier.ts'
import { fullStatsOf, statsOf } from './stats.ts'

/** What one instance of the plugin gives its cache. */
export interface CacheEnvironment {
  readonly clock: Clock
  /** The server of the second tier. */
  readonly redis?: Redis | undefined
  /** 0-1, for the jitter. @default Math.random */
  readonly random?: () => number
}

/**
 * The cache. The first line that applies decides the result of `getOrSet`:
 *
 * | the key is                | the caller gets                                            | note |
 * |---------------------------|------------------------------------------------------------|------|
 * | fresh in memory           | the value; past `refreshAhead`, refreshed in background    | |
 * | stale in memory           | the stale value, refreshed in background                   | 1 |
 * | fresh in Redis            | the value, which memory keeps                              | 2, 3 |
 * | stale in Redis            | as stale in memory                                         | 1, 2, 3 |
 * | loading in this process   | the result of the load in progress                         | 3 |
 * | over `maxLoads`           | CACHE_BUSY                                                 | |
 * | locked by another process | the value that the other process stores within `lockWait`  | 2, 3 |
 * | none of these             | the result of the loader, which both tiers keep            | 3, 4 |
 *
 * 1. Or the new value, if the refresh ends within `softTimeoutMs`. No refresh for `graceBackoff` after one that failed.
 * 2. Does not apply without Redis, or while Redis is down.
 * 3. CACHE_LOAD_TIMEOUT after `hardTimeoutMs`; the load continues, and its result is kept.
 * 4. For `ttlMs`, null and undefined for `negativeTtlMs`. Not kept if the key or a tag was invalidated meanwhile.
 */
export class TieredCache implements Cache, CacheParts {
  readonly counts = newCounts()
  readonly memory: MemoryTier
  readonly settings: Settings
  redis: RedisTier | undefined
  private environment: CacheEnvironment
  private readonly lookups = new Lookups(this)
  private readonly loads = new Loads(this, this.lookups)
  private readonly invalidator = new Invalidator(this, [this.lookups.flights, this.loads.flights])

  constructor(config: CacheConfig, environment: CacheEnvironment) {
    this.environment = environment
    this.settings = { config }
    this.memory = new MemoryTier(config)
    this.redis = this.makeRedisTier()
  }

  get clock(): Clock {
    return this.environment.clock
  }
  get random(): () => number {
    return this.environment.random ?? Math.random
  }

  private makeRedisTier(): RedisTier | undefined {
    const { counts, settings, environment } = this
    const { redis, clock } = environment
    const onInvalidation = this.invalidator.here.bind(this.invalidator)
    return redis && new RedisTier({ redis, settings, clock, counts, onInvalidation })
  }

  async start(): Promise<void> {
    await this.redis?.start()
  }
  /** Ends the Redis tier, unless a successor instance has been adopted. */
  stop(environment: CacheEnvironment): void {
    if (this.environment === environment) this.redis?.stop()
  }

  /** Applies another config; another prefix empties memory. */
  async configure(config: CacheConfig): Promise<void> {
    this.apply(config)
    await this.redis?.start()
  }

  private apply(config: CacheConfig): void {
    const { prefix } = this.settings.config
    this.settings.config = config
    this.memory.configure(config)
    if (prefix !== config.prefix) this.invalidator.here(['pattern', '*'])
  }

  /** Adopts the config, clock and Redis of the successor instance. No-op if it already uses them. */
  async adopt(config: CacheConfig, environment: CacheEnvironment): Promise<void> {
    if (this.environment === environment) return
    const previous = this.redis
    this.environment = environment
    this.apply(config)
    this.redis = this.makeRedisTier()
    if (previous !== undefined) this.redis?.bus.adopt(previous.bus)
    await this.redis?.start()
    previous?.stop()
  }

  get<T>(key: string): Promise<T | undefined> {
    const nowMs = this.nowMs()
    const entry = this.memory.find(key, nowMs)
    if (entry !== undefined && entry.freshUntilMs > nowMs) return this.hit(entry)
    return this.getFromRedis(key)
  }

  private async getFromRedis<T>(key: string): Promise<T | undefined> {
    const entry = this.redis && (await this.lookups.of(this.redis, key)).entry
    const isFresh = entry !== undefined && entry.freshUntilMs > this.nowMs()
    this.count(isFresh ? 'redis_hits' : 'misses', key)
    return isFresh ? (entry.value as T) : undefined
  }

  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return Promise.all(keys.map((key) => this.get<T>(key)))
  }

  async set(key: string, value: unknown, options: CacheOptions = {}): Promise<void> {
    const { config } = this.settings
    const { ttlMs = config.ttl, graceMs = config.grace, tags = [] } = options
    if (checkedMs(ttlMs, 'ttlMs') === 0) return void (await this.delete(key))
    const entry = { value, tags, ...entryTimes(this.nowMs(), ttlMs, graceMs, config.jitter, this.random()) }
    this.invalidator.mustNotKeep(key)
    this.counts.sets += 1
    this.memory.keep(this.memory.make(key, entry, this.memory.tags.now), true)
    await this.redis?.put(key, entry)
  }

  getOrSet<T>(key: string, loader: Loader<T>, options: LoadOptions = {}): Promise<T> {
    const nowMs = this.nowMs()
    const entry = this.memory.find(key, nowMs)
    if (entry === undefined) return this.miss(key, loader, options)
    if (entry.freshUntilMs <= nowMs) return this.stale(entry, loader, options)
    const { refreshAhead } = options
    if (refreshAhead !== undefined && entry.retryAtMs <= nowMs && isAged(entry, refreshAhead, nowMs))
      void this.loads.refreshInBackground(entry, loader, options)
    return this.hit(entry)
  }

  private hit<T>(entry: Entry): Promise<T> {
    this.counts.local_hits += 1
    if (entry.group !== undefined) entry.group.local_hits += 1
    entry.settled ??= Promise.resolve(entry.value)
    return entry.settled as Promise<T>
  }

  /** @param looked the lookup that found the entry in Redis; undefined for an entry of memory */
  private async stale<T>(entry: Entry, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    const { softTimeoutMs = 0 } = options
    const refresh =
      entry.retryAtMs > this.nowMs() ? undefined : this.loads.refreshInBackground(entry, loader, options, looked)
    if (refresh !== undefined && softTimeoutMs > 0) {
      const loaded = await this.within(softTimeoutMs, entry.key, refresh).catch(() => undefined)
      if (loaded !== undefined) {
        this.count('misses', entry.key)
        return loaded.value
      }
    }
    this.counts.stale_hits += 1
    this.count(looked === undefined ? 'local_hits' : 'redis_hits', entry.key)
    return entry.value as T
  }

  private miss<T>(key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    const { redis } = this
    const value =
      redis === undefined
        ? this.load(key, loader, options)
        : this.lookups.of(redis, key).then((looked) => {
            const { entry } = looked
            if (entry === undefined) return this.load(key, loader, options, looked)
            if (entry.freshUntilMs <= this.nowMs()) return this.stale(entry, loader, options, looked)
            this.count('redis_hits', key)
            return entry.value as T
          })
    const { hardTimeoutMs } = options
    return hardTimeoutMs === undefined ? value : this.within(hardTimeoutMs, key, value)
  }

  private load<T>(key: string, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    this.count('misses', key)
    return this.loads.load(key, loader, options, looked)
  }

  private within<T>(timeoutMs: number, key: string, value: Promise<T>): Promise<T> {
    return withDeadline(value, timeoutMs, this.clock, () => cacheError('CACHE_LOAD_TIMEOUT', { key, timeoutMs }))
  }

  wrap<Args extends unknown[], T>(
    fn: (...args: Args) => T | Promise<T>,
    options: WrapOptions<Args> = {},
  ): (...args: Args) => Promise<T> {
    const { key, tags, ...rest } = options
    const keyOf = keyOfCall(key, fn.name)
    return (...args) => {
      const names = typeof tags === 'function' ? tags(...args) : tags
      return this.getOrSet(keyOf(...args), () => fn(...args), names === undefined ? rest : { ...rest, tags: names })
    }
  }

  namespace(name: string): Cache {
    return namespaceOf(this, name)
  }

  async delete(key: string): Promise<boolean> {
    this.counts.deletes += 1
    return (await this.invalidator.everywhere(['key', key])) > 0
  }
  async invalidateTag(tag: string): Promise<void> {
    await this.invalidator.everywhere(['tag', tag])
  }
  clear(pattern = '*'): Promise<number> {
    return this.invalidator.everywhere(['pattern', pattern])
  }

  nowMs = (): number => this.environment.clock.now()
  list = (limit?: number, prefix?: string) => this.memory.list(this.nowMs(), limit, prefix)

  count: CacheParts['count'] = (what, key, by = 1) => {
    this.counts[what] += by
    this.memory.groups.count(what, key, by)
  }
  stats(): CacheStats {
    return statsOf(this, this.loads.flights.size)
  }
  fullStats(): Promise<FullCacheStats> {
    return fullStatsOf(this.stats(), this.environment.redis)
  }
}
