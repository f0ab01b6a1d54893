/** The interface of the cache for other plugins and for applications. */
import { service } from '../../core/plugin.ts'

export interface CacheOptions {
  /** Milliseconds for which a value is fresh. @default `plugins.cache.ttl` */
  readonly ttlMs?: number
  /** Milliseconds after `ttlMs` in which the stale value is served during a load. @default `plugins.cache.grace` */
  readonly graceMs?: number
  /** Names under which the value can be invalidated. @default [] */
  readonly tags?: readonly string[]
}

/** With this a loader chooses the options of the value that the loader returns. */
export interface LoadContext {
  readonly key: string
  /** Sets the time to live in milliseconds; 0: the value is not kept. */
  ttl(ms: number): void
  tags(...tags: string[]): void
  /** The waiting callers get the value, which is not kept. */
  skip(): void
}

export interface LoadOptions extends CacheOptions {
  /** Milliseconds to wait for a new value while there is a stale one. @default 0 */
  readonly softTimeoutMs?: number
  /** Milliseconds to wait for a value where none is cached; the load continues. @default none */
  readonly hardTimeoutMs?: number
  /** Share (0-1) of the time to live after which a hit refreshes the value in background. @default none */
  readonly refreshAhead?: number
  /** Time to live of `null` and `undefined`, in milliseconds. @default as other values */
  readonly negativeTtlMs?: number
  /** One process loads; the others wait for the value, `lockWait` at most. @default `plugins.cache.lock` */
  readonly lock?: boolean
}

export type Loader<T> = (context: LoadContext) => T | Promise<T>

export interface WrapOptions<Args extends unknown[]> extends Omit<LoadOptions, 'tags'> {
  /** @default the function's name and its arguments, as a stable key */
  readonly key?: string | ((...args: Args) => string)
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[])
}

export interface GroupCounts {
  local_hits: number
  redis_hits: number
  misses: number
  loads: number
  load_failures: number
  load_seconds: number
}

/** Hit ratios (0-1) with half, double and four times the size or time to live. */
export interface GhostRatios {
  readonly half: number
  readonly double: number
  readonly quadruple: number
}
export interface GhostEstimate extends GhostRatios {
  /** With the size in force, estimated like the other ratios: the value to compare them with. */
  readonly same: number
  /** With other times to live. */
  readonly ttl: GhostRatios
}

export interface CacheStats {
  /** Lookups with a cached value. `hits` and `misses` add up to all lookups. */
  readonly hits: number
  readonly misses: number
  /** Percent. */
  readonly hit_rate: number
  readonly local_hits: number
  readonly redis_hits: number
  /** Hits with a stale value: past the time to live, within the grace. */
  readonly stale_hits: number
  readonly sets: number
  readonly deletes: number
  /** Entries that a limit evicted from memory. */
  readonly evictions: number
  readonly evicted_bytes: number
  /** Entries removed from memory, by cause; `entries` and `bytes` are the two limits. */
  readonly evictions_by_cause: {
    readonly entries: number
    readonly bytes: number
    readonly expired: number
    readonly tag: number
    readonly invalidated: number
  }
  /** Entries larger than `maxSize`. */
  readonly rejected: number
  readonly loads: number
  readonly load_failures: number
  readonly load_seconds: number
  readonly loads_pending: number
  /** Callers that joined a load in progress. */
  readonly stampedes_avoided: number
  /** Loads of another process for which this process waited. */
  readonly lock_avoided: number
  /** Waits for another process that ended without a value. */
  readonly lock_expired: number
  /** Entries of Redis that cannot be decoded. */
  readonly poisoned: number
  /** Entries that are too large for Redis or cannot be encoded. */
  readonly unstorable: number
  readonly redis_errors: number
  /** Lookups in Redis that were left out, since `maxLoads` were in progress. */
  readonly redis_skipped: number
  /** Undefined without Redis. */
  readonly redis_up: boolean | undefined
  /** Invalidations that wait while Redis is down. */
  readonly bus_waiting: number
  /** Unsent invalidations that were replaced by one of all keys. */
  readonly bus_dropped: number
  /** Messages on the channel from another program or version. */
  readonly bus_foreign: number
  /** Times that the channel was joined; each time empties memory. */
  readonly bus_generation: number
  readonly local_cache_size: number
  readonly local_cache_bytes: number
  /** By the names of `plugins.cache.groups`, and `other`; empty without groups. */
  readonly groups: Readonly<Record<string, Readonly<GroupCounts>>>
  /** Estimated hit ratios with other sizes and times to live; undefined without `plugins.cache.advice`. */
  readonly ghost: GhostEstimate | undefined
  /** The cheapest change that raises the hit ratio; undefined where none does, and without `plugins.cache.advice`. */
  readonly advice: string | undefined
}

/** {@link CacheStats} with counts of the Redis server. */
export interface FullCacheStats extends CacheStats {
  readonly redis_memory_usage: number | null
  readonly redis_keyspace_hits: number | null
  readonly redis_keyspace_misses: number | null
}

export interface CacheEntryInfo {
  readonly key: string
  readonly bytes: number
  readonly tags: readonly string[]
  /** Milliseconds for which the entry is still fresh; negative for a stale entry. */
  readonly ttlMs: number
}

/** A cache in memory and, with the plugin `redis`, in Redis. `null` and `undefined` are values like others. */
export interface Cache {
  /** @returns the fresh value, or undefined */
  get<T>(key: string): Promise<T | undefined>
  /** @returns fresh values in the order of the keys, undefined for a miss */
  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]>
  /** Sets the value here and in Redis, and invalidates the key in the other processes. @throws CACHE_TIME_INVALID */
  set(key: string, value: unknown, options?: CacheOptions): Promise<void>
  /** Invalidates a key. @returns whether memory or Redis held the key */
  delete(key: string): Promise<boolean>
  /**
   * Returns the cached value, else loads one: all callers share one load.
   * @throws CACHE_LOAD_TIMEOUT, CACHE_BUSY, what the loader throws
   */
  getOrSet<T>(key: string, loader: Loader<T>, options?: LoadOptions): Promise<T>
  /** A function like `fn` whose results are cached. */
  wrap<Args extends unknown[], T>(
    fn: (...args: Args) => T | Promise<T>,
    options?: WrapOptions<Args>,
  ): (...args: Args) => Promise<T>
  /** A view in which every key begins with `name:`. @param name no `*` @throws CACHE_KEY_INVALID */
  namespace(name: string): Cache
  /** Invalidates all entries with the tag, in constant time. */
  invalidateTag(tag: string): Promise<void>
  /**
   * Invalidates keys by pattern, `user:*`; only `*` is special.
   * @returns keys removed from memory or from Redis, the larger number
   */
  clear(pattern?: string): Promise<number>
  /** The clock of the cache, epoch milliseconds. @internal for `httpCache` */
  nowMs(): number
  /** Entries of the memory tier, without values. @param limit @default 100 */
  list(limit?: number): readonly CacheEntryInfo[]
  stats(): CacheStats
  /** As {@link Cache.stats}, with counts of the Redis server. */
  fullStats(): Promise<FullCacheStats>
}
export const Cache = service<Cache>('cache')
