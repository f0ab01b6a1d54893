/** What other plugins and applications may use of the cache. */
import { service } from '../../core/plugin.ts'

export interface CacheOptions {
  /** Milliseconds for which a value is fresh. @default `plugins.cache.ttl` */
  readonly ttlMs?: number
  /** Milliseconds after that in which it may be served while a new one is loaded. @default `plugins.cache.grace` */
  readonly graceMs?: number
  /** Names under which it can be invalidated. @default [] */
  readonly tags?: readonly string[]
}

/** What a loader may say about the value that it loads. */
export interface LoadContext {
  readonly key: string
  /** Sets the time to live in milliseconds, from the value; 0: it is not kept. */
  ttl(ms: number): void
  tags(...tags: string[]): void
  /** The value is given to those who wait and not kept. */
  skip(): void
}

export interface LoadOptions extends CacheOptions {
  /** Milliseconds to wait for a new value while there is a stale one. @default 0 */
  readonly softTimeoutMs?: number
  /** Milliseconds to wait for a value when there is none; the load goes on. @default none */
  readonly hardTimeoutMs?: number
  /** Share (0-1) of the time to live after which a hit loads a new value behind. @default none */
  readonly refreshAhead?: number
  /** Milliseconds that `null` and `undefined` are kept. @default as other values */
  readonly negativeTtlMs?: number
  /** One process loads, the others wait for what it stores in Redis, `lockWait` at most. @default `plugins.cache.lock` */
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

/** A hit ratio for each case, 0-1. */
export interface GhostRatios {
  readonly half: number
  readonly double: number
  readonly quadruple: number
}
export interface GhostEstimate extends GhostRatios {
  /** The size as it is, played by the ghosts: the others compare with it. */
  readonly same: number
  /** With times to live of half, double and four times the length. */
  readonly ttl: GhostRatios
}

export interface CacheStats {
  /** Look-ups that were answered; with `misses`, all of them. */
  readonly hits: number
  readonly misses: number
  /** Percent. */
  readonly hit_rate: number
  readonly local_hits: number
  readonly redis_hits: number
  /** Hits with a value past its time to live, within its grace. */
  readonly stale_hits: number
  readonly sets: number
  readonly deletes: number
  /** Entries that went from memory for want of room. */
  readonly evictions: number
  readonly evicted_bytes: number
  /** All that went from memory: `entries` and `bytes` for want of room. */
  readonly evictions_by_cause: {
    readonly entries: number
    readonly bytes: number
    readonly expired: number
    readonly tag: number
    readonly invalidated: number
  }
  /** Entries larger than all of memory's room. */
  readonly rejected: number
  readonly loads: number
  readonly load_failures: number
  readonly load_seconds: number
  readonly loads_pending: number
  /** Callers who got the result of a load that another one had begun. */
  readonly stampedes_avoided: number
  /** Loads that another process did while this one waited. */
  readonly lock_avoided: number
  /** Waits for another process that ended without a value. */
  readonly lock_expired: number
  /** Entries of Redis that could not be read. */
  readonly poisoned: number
  /** Entries that are too large for Redis, or cannot be written down. */
  readonly unstorable: number
  readonly redis_errors: number
  /** Looks into Redis that were left out, since `maxLoads` were under way. */
  readonly redis_skipped: number
  /** Undefined without Redis. */
  readonly redis_up: boolean | undefined
  /** Invalidations that wait for Redis to come back. */
  readonly bus_waiting: number
  /** Invalidations that could not be published and were folded into one of everything. */
  readonly bus_dropped: number
  /** Messages that no cache of this version wrote. */
  readonly bus_foreign: number
  /** Times that the bus was joined; memory is emptied at each. */
  readonly bus_generation: number
  readonly local_cache_size: number
  readonly local_cache_bytes: number
  /** By `plugins.cache.groups`, and `other`; empty without groups. */
  readonly groups: Readonly<Record<string, Readonly<GroupCounts>>>
  /** Hit ratio (0-1) estimated for a memory tier of another size, and for other times to live. */
  readonly ghost: GhostEstimate
  /** What would change the hit ratio; undefined where nothing is worth it. */
  readonly advice: string | undefined
}

/** The keys of {@link CacheStats} with those of the server. */
export interface FullCacheStats extends CacheStats {
  readonly redis_memory_usage: number | null
  readonly redis_keyspace_hits: number | null
  readonly redis_keyspace_misses: number | null
}

export interface CacheEntryInfo {
  readonly key: string
  readonly bytes: number
  readonly tags: readonly string[]
  /** Milliseconds until it is no longer fresh; negative in its grace. */
  readonly ttlMs: number
}

/** Two tiers, memory and (if there is one) Redis. `null` and `undefined` are values like others. */
export interface Cache {
  /** @returns the fresh value, or undefined */
  get<T>(key: string): Promise<T | undefined>
  /** Values in the order of the keys, undefined where there is none. */
  mget<T>(keys: readonly string[]): Promise<(T | undefined)[]>
  /** Sets here, in Redis, and makes the other processes forget. @throws CACHE_TIME_INVALID */
  set(key: string, value: unknown, options?: CacheOptions): Promise<void>
  /** @returns whether memory or Redis held it */
  delete(key: string): Promise<boolean>
  /** Gives what is cached, else loads it, once for all who ask. @throws CACHE_LOAD_TIMEOUT, CACHE_BUSY, what the loader throws */
  getOrSet<T>(key: string, loader: Loader<T>, options?: LoadOptions): Promise<T>
  /** A function like `fn` whose results are cached. */
  wrap<Args extends unknown[], T>(
    fn: (...args: Args) => T | Promise<T>,
    options?: WrapOptions<Args>,
  ): (...args: Args) => Promise<T>
  /** A view in which every key begins with `name:`. @param name no `*` @throws CACHE_KEY_INVALID */
  namespace(name: string): Cache
  /** Makes everything with the tag a miss, in constant time. */
  invalidateTag(tag: string): Promise<void>
  /** Removes keys by pattern, `user:*`; only `*` is special. @returns how many memory or Redis held, the larger number */
  clear(pattern?: string): Promise<number>
  /** The time by which it reckons, epoch milliseconds. */
  nowMs(): number
  /** Entries of the memory tier. @param limit @default 100 */
  list(limit?: number): readonly CacheEntryInfo[]
  stats(): CacheStats
  /** As `stats`, with what Redis says of itself. */
  fullStats(): Promise<FullCacheStats>
}
export const Cache = service<Cache>('cache')
