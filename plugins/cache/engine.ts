/** The cache: memory, then Redis, then the loader, which runs once for all who ask. */
import { type Clock, withDeadline } from '../../core/plugin.ts'
import type { Cache, CacheOptions, CacheStats, FullCacheStats, Loader, LoadOptions, WrapOptions } from './api.ts'
import type { CacheConfig, Settings } from './config.ts'
import { checkedMs, entryTimes, isAged } from './entry-times.ts'
import { cacheError } from './errors.ts'
import { Invalidator } from './invalidator.ts'
import { keyOfCall } from './keys.ts'
import { Loads } from './loading/loads.ts'
import { type LookedUp, Lookups } from './loading/lookups.ts'
import type { Entry } from './memory/entry.ts'
import { MemoryTier } from './memory/memory-tier.ts'
import { Namespace } from './namespace.ts'
import type { Invalidation } from './redis/invalidation-bus.ts'
import type { RedisTier } from './redis/redis-tier.ts'
import { fullStatsOf, noTierCounts, statsOf, sumTierCounts, type TierCounts, tierCounts } from './stats.ts'

/** What a cache stands on; an instance of the plugin brings its own. */
export interface Ground {
  readonly clock: Clock
  /** Makes the second tier. @param onInvalidation told what another process invalidated */
  readonly redis?: ((settings: Settings, onInvalidation: (invalidation: Invalidation) => void) => RedisTier) | undefined
  /** INFO of the server, for `fullStats`. */
  readonly info?: (() => Promise<ReadonlyMap<string, string>>) | undefined
  /** 0-1, for the jitter. @default Math.random */
  readonly random?: () => number
}

export class TieredCache implements Cache {
  readonly counts = { local_hits: 0, redis_hits: 0, stale_hits: 0, misses: 0, sets: 0, deletes: 0 }
  readonly memory: MemoryTier
  readonly loads: Loads
  redis: RedisTier | undefined
  /** What the metrics have been told, by name. */
  readonly published = new Map<string, number>()
  private readonly lookups: Lookups
  private readonly invalidator: Invalidator
  readonly settings: Settings
  private ground: Ground
  /** What the tiers that were replaced counted. */
  private past: TierCounts = noTierCounts

  constructor(config: CacheConfig, ground: Ground) {
    this.ground = ground
    this.settings = { config }
    this.memory = new MemoryTier(config)
    const loads = new Loads(this)
    const lookups = new Lookups(this)
    this.loads = loads
    this.lookups = lookups
    this.invalidator = new Invalidator(this, loads, lookups)
    this.redis = this.makeRedis()
  }

  get clock(): Clock {
    return this.ground.clock
  }
  get random(): () => number {
    return this.ground.random ?? Math.random
  }

  private makeRedis(): RedisTier | undefined {
    return this.ground.redis?.(this.settings, (invalidation) => void this.invalidator.here(invalidation))
  }

  async start(): Promise<void> {
    await this.redis?.start()
  }
  /** Ends what `ground` brought, unless the cache has moved on to another one. */
  leave(ground: Ground): void {
    if (this.ground === ground) this.redis?.stop()
  }

  /** Takes other options; with another prefix what is in memory goes. */
  async configure(config: CacheConfig): Promise<void> {
    this.adopt(config)
    await this.redis?.start()
  }

  private adopt(config: CacheConfig): void {
    const { prefix } = this.settings.config
    this.settings.config = config
    this.memory.configure(config)
    if (prefix !== config.prefix) this.invalidator.here(['pattern', '*'])
  }

  /** Goes on with the options, the clock and the Redis of another instance of the plugin, unless it stands there. */
  async move(config: CacheConfig, ground: Ground): Promise<void> {
    if (this.ground === ground) return
    const { redis } = this
    this.ground = ground
    this.adopt(config)
    this.past = sumTierCounts(this.past, tierCounts(redis))
    this.redis = this.makeRedis()
    if (redis !== undefined) this.redis?.bus.adopt(redis.bus)
    await this.redis?.start()
    redis?.stop()
  }

  get<T>(key: string): Promise<T | undefined> {
    const nowMs = this.nowMs()
    const entry = this.memory.find(key, nowMs)
    if (entry !== undefined && entry.freshUntilMs > nowMs) return this.hit(entry)
    return this.redis === undefined ? this.missed(key) : this.getFromRedis<T>(this.redis, key)
  }

  private hit<T>(entry: Entry): Promise<T> {
    this.counts.local_hits += 1
    if (entry.group !== undefined) entry.group.local_hits += 1
    entry.settled ??= Promise.resolve(entry.value)
    return entry.settled as Promise<T>
  }

  private missed = async (key: string): Promise<undefined> => this.count('misses', key) as undefined

  private count(what: 'local_hits' | 'redis_hits' | 'misses', key: string): void {
    this.counts[what] += 1
    this.memory.groups.count(what, key)
  }

  private async getFromRedis<T>(redis: RedisTier, key: string): Promise<T | undefined> {
    const { entry } = await this.lookups.of(redis, key)
    if (entry === undefined || entry.freshUntilMs <= this.nowMs()) return this.missed(key)
    this.count('redis_hits', key)
    return entry.value as T
  }

  async mget<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    const nowMs = this.nowMs()
    const entries = new Map(keys.map((key) => [key, this.memory.find(key, nowMs)]))
    const absent = [...entries.keys()].filter((key) => !((entries.get(key)?.freshUntilMs ?? 0) > nowMs))
    const { redis } = this
    if (redis !== undefined) {
      const looked = await Promise.all(absent.map((key) => this.lookups.of(redis, key)))
      for (const [index, { entry }] of looked.entries()) entries.set(absent[index]!, entry)
    }
    const laterMs = this.nowMs()
    const fromRedis = new Set(absent)
    return keys.map((key) => {
      const entry = entries.get(key)
      const isFresh = entry !== undefined && entry.freshUntilMs > (fromRedis.has(key) ? laterMs : nowMs)
      this.count(!isFresh ? 'misses' : fromRedis.has(key) ? 'redis_hits' : 'local_hits', key)
      return isFresh ? (entry.value as T) : undefined
    })
  }

  async set(key: string, value: unknown, options: CacheOptions = {}): Promise<void> {
    const { config } = this.settings
    const { ttlMs = config.ttl, graceMs = config.grace, tags = [] } = options
    if (checkedMs(ttlMs, 'ttlMs') === 0) return void (await this.delete(key))
    const entry = { value, tags, ...entryTimes(this.nowMs(), ttlMs, graceMs, config.jitter, this.random()) }
    this.invalidator.doom(key)
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
      void this.loads.behind(entry, loader, options)
    return this.hit(entry)
  }

  private async stale<T>(entry: Entry, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    const { softTimeoutMs = 0 } = options
    const { clock } = this.ground
    const load = entry.retryAtMs > clock.now() ? undefined : this.loads.behind(entry, loader, options, looked)
    if (load !== undefined && softTimeoutMs > 0) {
      const late = () => cacheError('CACHE_LOAD_TIMEOUT', { key: entry.key, timeoutMs: softTimeoutMs })
      const found = await withDeadline(load, softTimeoutMs, clock, late).catch(() => undefined)
      if (found !== undefined) {
        this.count('misses', entry.key)
        return found.value
      }
    }
    this.counts.stale_hits += 1
    this.count(looked === undefined ? 'local_hits' : 'redis_hits', entry.key)
    return entry.value as T
  }

  private miss<T>(key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    const { redis } = this
    const load =
      redis === undefined ? this.loadMissing(key, loader, options) : this.through(redis, key, loader, options)
    const { hardTimeoutMs: timeoutMs } = options
    if (timeoutMs === undefined) return load
    const late = () => cacheError('CACHE_LOAD_TIMEOUT', { key, timeoutMs })
    return withDeadline(load, timeoutMs, this.ground.clock, late)
  }

  private loadMissing<T>(key: string, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    this.count('misses', key)
    return this.loads.load(key, loader, options, looked)
  }

  /** Looks into Redis before it loads. */
  private through<T>(redis: RedisTier, key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    return this.lookups.of(redis, key).then((looked) => {
      const { entry } = looked
      if (!entry) return this.loadMissing(key, loader, options, looked)
      if (entry.freshUntilMs <= this.nowMs()) return this.stale(entry, loader, options, looked)
      this.count('redis_hits', key)
      return entry.value as T
    })
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
    return new Namespace(this, name)
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

  nowMs = (): number => this.ground.clock.now()
  list = (limit?: number, prefix?: string) => this.memory.list(this.nowMs(), limit, prefix)

  stats(): CacheStats {
    return statsOf(this, sumTierCounts(this.past, tierCounts(this.redis)))
  }
  fullStats(): Promise<FullCacheStats> {
    return fullStatsOf(this.stats(), this.ground.info)
  }
}
