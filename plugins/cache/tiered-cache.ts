// Over 250 lines because reads, loads and invalidations share the state of flights that decides what may be kept.
/** The cache: memory, then Redis, then the loader, which runs once for all who ask. */
import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/deadline.ts'
import type { Cache, CacheOptions, CacheStats, FullCacheStats, Loader, LoadOptions, WrapOptions } from './api.ts'
import type { CacheConfig } from './config.ts'
import { newCounts } from './counts.ts'
import { cacheError } from './errors.ts'
import { Ghosts, isSampled } from './ghost.ts'
import { matcher, stableKey } from './keys.ts'
import { type Entry, estimateBytes, MemoryTier } from './memory-tier.ts'
import { Namespace } from './namespace.ts'
import type { Invalidation, RedisTier } from './redis-tier.ts'
import type { StoredEntry } from './serializer.ts'
import { Tags } from './tags.ts'

interface Flight {
  readonly sequence: number
  /** Its key was invalidated meanwhile: what it loads is not kept. */
  doomed: boolean
  readonly result: Promise<unknown>
}

export interface TieredCacheOptions {
  readonly config: CacheConfig
  readonly clock: Clock
  /** 0-1, for the jitter. */
  readonly random?: () => number
  /** Makes the second tier. */
  readonly redis?: (onInvalidation: (invalidation: Invalidation) => void) => RedisTier
  /** INFO of the server, for `fullStats`. */
  readonly info?: () => Promise<ReadonlyMap<string, string>>
}

export class TieredCache implements Cache {
  readonly counts = newCounts()
  readonly memory: MemoryTier
  readonly redis: RedisTier | undefined
  private readonly flights = new Map<string, Flight>()
  /** Looks into Redis under way. */
  private readonly lookups = new Set<readonly [string, Flight]>()
  private readonly tags: Tags
  private readonly ghosts: Ghosts

  constructor(private readonly options: TieredCacheOptions) {
    const { config } = options
    this.memory = new MemoryTier({ maxEntries: config.maxEntries, maxBytes: config.maxSize })
    this.tags = new Tags(config.maxTags)
    this.ghosts = new Ghosts(config.maxEntries)
    this.redis = options.redis?.((invalidation) => this.forget(invalidation))
  }

  /** The entry in memory that may be served, fresh or in its grace. */
  private find(key: string, nowMs: number): Entry | undefined {
    const entry = this.memory.get(key)
    if (entry === undefined) {
      if (isSampled(key)) this.ghosts.use(key)
      return undefined
    }
    if (entry.sampled) this.ghosts.use(key)
    if (entry.staleUntilMs > nowMs && !this.tags.isStale(entry.tags, entry.sequence)) return entry
    this.memory.delete(key)
    this.counts.expirations += 1
    return undefined
  }

  private keep(key: string, stored: StoredEntry, sequence: number): void {
    const { value, tags, createdMs, freshUntilMs, staleUntilMs } = stored
    const bytes = 200 + key.length * 2 + estimateBytes(value)
    const sampled = isSampled(key)
    this.memory.set({
      key,
      value,
      tags,
      createdMs,
      freshUntilMs,
      staleUntilMs,
      sequence,
      bytes,
      sampled,
      retryAtMs: 0,
      uses: 0,
    })
  }

  /** @returns the fresh entry of Redis, taken into memory with the time that it has left */
  private async fromRedis(key: string, flight?: Flight): Promise<StoredEntry | undefined> {
    const sequence = this.tags.now
    const stored = await this.redis?.get(key)
    const nowMs = this.options.clock.now()
    if (stored === undefined || stored.freshUntilMs <= nowMs || this.tags.isStale(stored.tags, sequence))
      return undefined
    if (!flight?.doomed) this.keep(key, stored, sequence)
    return stored
  }

  async get<T>(key: string): Promise<T | undefined> {
    const nowMs = this.options.clock.now()
    const entry = this.find(key, nowMs)
    if (entry !== undefined && entry.freshUntilMs > nowMs) {
      this.counts.local_hits += 1
      return entry.value as T
    }
    // One flight for a look into Redis too: an invalidation meanwhile dooms it.
    const stored = this.redis && !this.flights.has(key) ? await this.lookUp(key) : undefined
    if (stored === undefined) this.counts.misses += 1
    else this.counts.redis_hits += 1
    return stored?.value as T | undefined
  }

  private async lookUp(key: string): Promise<StoredEntry | undefined> {
    const flight: Flight = { doomed: false, sequence: this.tags.now, result: Promise.resolve() }
    const pair = [key, flight] as const
    this.lookups.add(pair)
    try {
      return await this.fromRedis(key, flight)
    } finally {
      this.lookups.delete(pair)
    }
  }

  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return Promise.all(keys.map((key) => this.get<T>(key)))
  }

  async set(key: string, value: unknown, options: CacheOptions = {}): Promise<void> {
    this.doom((each) => each === key)
    await this.store(key, value, options, this.tags.now)
    await this.redis?.invalidate(['key', key]).then(() => this.persist(key))
  }

  private async persist(key: string): Promise<void> {
    const entry = this.memory.get(key)
    if (entry !== undefined) await this.redis?.set(key, entry)
  }

  private async store(key: string, value: unknown, options: CacheOptions, sequence: number): Promise<void> {
    const { config, clock, random = Math.random } = this.options
    const { ttlMs = config.ttl, graceMs = config.grace, tags = [] } = options
    if (ttlMs <= 0) return
    this.counts.sets += 1
    const createdMs = clock.now()
    const freshUntilMs = createdMs + ttlMs * (1 - config.jitter * random())
    this.keep(key, { value, tags, createdMs, freshUntilMs, staleUntilMs: freshUntilMs + graceMs }, sequence)
  }

  getOrSet<T>(key: string, loader: Loader<T>, options: LoadOptions = {}): Promise<T> {
    const nowMs = this.options.clock.now()
    const entry = this.find(key, nowMs)
    if (entry === undefined) return this.miss(key, loader, options)
    if (entry.freshUntilMs > nowMs) {
      this.counts.local_hits += 1
      const { refreshAhead } = options
      const ageRatio = (nowMs - entry.createdMs) / (entry.freshUntilMs - entry.createdMs)
      if (refreshAhead !== undefined && ageRatio >= refreshAhead && entry.retryAtMs <= nowMs)
        this.behind(entry, loader, options)
      return Promise.resolve(entry.value as T)
    }
    return this.stale(entry, loader, options, nowMs)
  }

  private async stale<T>(entry: Entry, loader: Loader<T>, options: LoadOptions, nowMs: number): Promise<T> {
    const { softTimeoutMs = 0 } = options
    const load = entry.retryAtMs > nowMs ? undefined : this.behind(entry, loader, options)
    if (load !== undefined && softTimeoutMs > 0) {
      const late = () => cacheError('CACHE_LOAD_TIMEOUT', { key: entry.key, timeoutMs: softTimeoutMs })
      const found = await withDeadline(load, softTimeoutMs, this.options.clock, late).catch(() => undefined)
      if (found !== undefined) return found.value
    }
    this.counts.stale_hits += 1
    this.counts.local_hits += 1
    return entry.value as T
  }

  /** Loads while the old value is served. @returns undefined where it failed: the old value then rests for `graceBackoff` */
  private behind<T>(entry: Entry, loader: Loader<T>, options: LoadOptions): Promise<{ value: T } | undefined> {
    return this.load(entry.key, loader, options).then(
      (value) => ({ value }),
      () => {
        entry.retryAtMs = this.options.clock.now() + this.options.config.graceBackoff
        return undefined
      },
    )
  }

  private miss<T>(key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    const { hardTimeoutMs } = options
    const load = this.load(key, loader, options)
    if (hardTimeoutMs === undefined) return load
    const late = () => cacheError('CACHE_LOAD_TIMEOUT', { key, timeoutMs: hardTimeoutMs })
    return withDeadline(load, hardTimeoutMs, this.options.clock, late)
  }

  private load<T>(key: string, loader: Loader<T>, options: LoadOptions): Promise<T> {
    const known = this.flights.get(key)
    if (known !== undefined) {
      this.counts.stampedes_avoided += 1
      return known.result as Promise<T>
    }
    const { maxLoads } = this.options.config
    if (this.flights.size >= maxLoads) return Promise.reject(cacheError('CACHE_BUSY', { limit: maxLoads }))
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const flight: Flight = { doomed: false, sequence: this.tags.now, result: promise }
    this.flights.set(key, flight)
    this.fly(key, loader, options, flight)
      .finally(() => {
        if (this.flights.get(key) === flight) this.flights.delete(key)
      })
      .then(resolve, reject)
    return promise
  }

  private async fly<T>(key: string, loader: Loader<T>, options: LoadOptions, flight: Flight): Promise<T> {
    const { clock, config } = this.options
    if (this.redis !== undefined) {
      const stored = await this.fromRedis(key, flight)
      if (stored !== undefined && !flight.doomed) {
        this.counts.redis_hits += 1
        return stored.value as T
      }
    }
    this.counts.misses += 1
    let ttlMs = options.ttlMs ?? config.ttl
    let chosen = false
    const tags = new Set(options.tags)
    const context = {
      key,
      ttl: (ms: number) => {
        ttlMs = ms
        chosen = true
      },
      tags: (...more: string[]) => {
        for (const tag of more) tags.add(tag)
      },
      skip: () => context.ttl(0),
    }
    const startedMs = clock.monotonic()
    this.counts.loads += 1
    let value: T
    try {
      value = await loader(context)
    } catch (thrown) {
      this.counts.load_failures += 1
      throw thrown
    } finally {
      this.counts.load_seconds += (clock.monotonic() - startedMs) / 1_000
    }
    if ((value === null || value === undefined) && !chosen && options.negativeTtlMs !== undefined)
      ttlMs = options.negativeTtlMs
    const names = [...tags]
    if (flight.doomed || this.tags.isStale(names, flight.sequence)) return value
    await this.store(key, value, { ...options, ttlMs, tags: names }, flight.sequence)
    if (ttlMs > 0) this.persist(key).catch(() => {})
    return value
  }

  wrap<Args extends unknown[], T>(
    fn: (...args: Args) => T | Promise<T>,
    { key, tags, ...options }: WrapOptions<Args> = {},
  ): (...args: Args) => Promise<T> {
    return (...args) => {
      const name = typeof key === 'function' ? key(...args) : `${key ?? fn.name}:${stableKey(...args)}`
      const names = typeof tags === 'function' ? tags(...args) : tags
      return this.getOrSet(name, () => fn(...args), { ...options, ...(names && { tags: names }) })
    }
  }

  namespace(name: string): Cache {
    return new Namespace(this, `${name}:`)
  }

  private doom(matches: (key: string) => boolean): void {
    for (const [key, flight] of [...this.flights, ...this.lookups]) {
      if (!matches(key)) continue
      flight.doomed = true
      this.flights.delete(key)
    }
  }

  /** Forgets in this process. @returns how many entries went */
  private forget([kind, what]: Invalidation): number {
    if (kind === 'tag') {
      this.tags.invalidate(what)
      return 0
    }
    const matches = kind === 'key' ? (key: string) => key === what : matcher(what)
    this.doom(matches)
    if (kind === 'key') return this.memory.delete(what) ? 1 : 0
    const keys = [...this.memory.entries()].map(({ key }) => key).filter(matches)
    for (const key of keys) this.memory.delete(key)
    return keys.length
  }

  async delete(key: string): Promise<boolean> {
    this.counts.deletes += 1
    const local = this.forget(['key', key])
    const remote = (await this.redis?.invalidate(['key', key])) ?? 0
    return local + remote > 0
  }
  async invalidateTag(tag: string): Promise<void> {
    this.forget(['tag', tag])
    await this.redis?.invalidate(['tag', tag])
  }
  async clear(pattern = '*'): Promise<number> {
    const local = this.forget(['pattern', pattern])
    return Math.max(local, (await this.redis?.invalidate(['pattern', pattern])) ?? 0)
  }

  list(limit = 100) {
    const nowMs = this.options.clock.now()
    return [...this.memory.entries()]
      .slice(0, limit)
      .map(({ key, bytes, tags, freshUntilMs }) => ({ key, bytes, tags, ttlMs: freshUntilMs - nowMs }))
  }

  stats(): CacheStats {
    const { counts, memory, redis } = this
    const hits = counts.local_hits + counts.redis_hits
    return {
      ...counts,
      hits,
      hit_rate: (100 * hits) / Math.max(1, hits + counts.misses),
      evictions: memory.evictions,
      poisoned: redis?.poisoned ?? 0,
      redis_errors: redis?.errors ?? 0,
      bus_dropped: redis?.dropped ?? 0,
      local_cache_size: memory.size,
      local_cache_bytes: memory.bytes,
      ghost: this.ghosts.estimate(),
    }
  }

  async fullStats(): Promise<FullCacheStats> {
    const info = await this.options.info?.().catch(() => undefined)
    const number = (field: string) => (info?.has(field) ? Number(info.get(field)) : null)
    return {
      ...this.stats(),
      redis_memory_usage: number('used_memory'),
      redis_keyspace_hits: number('keyspace_hits'),
      redis_keyspace_misses: number('keyspace_misses'),
    }
  }
}
