/** Loads: one for each key in this process, and one among all processes with the option `lock`. */
import type { Loader, LoadOptions } from '../api.ts'
import type { CacheParts } from '../cache-parts.ts'
import type { CacheConfig } from '../config.ts'
import { entryTimes, type StoredEntry } from '../entry-times.ts'
import { cacheError } from '../errors.ts'
import type { Entry } from '../memory/entry.ts'
import type { Found } from '../redis/redis-tier.ts'
import { type Flight, Flights } from './flights.ts'
import type { LookedUp, Lookups } from './lookups.ts'

/** Runs a loader and collects its value with the options that the loader chose. @throws what the loader throws */
async function runLoader<T>(key: string, loader: Loader<T>, options: LoadOptions, config: CacheConfig) {
  const tags = new Set(options.tags)
  let chosenMs: number | undefined
  const value = await loader({
    key,
    ttl(ms) {
      chosenMs = ms
    },
    tags(...more) {
      for (const tag of more) tags.add(tag)
    },
    skip() {
      chosenMs = 0
    },
  })
  const negativeMs = value === null || value === undefined ? options.negativeTtlMs : undefined
  const ttlMs = chosenMs ?? negativeMs ?? options.ttlMs ?? config.ttl
  return { value, ttlMs, graceMs: options.graceMs ?? config.grace, tags: [...tags] }
}
type Loaded = Awaited<ReturnType<typeof runLoader>>

export class Loads {
  readonly flights = new Flights()

  constructor(
    private readonly parts: CacheParts,
    private readonly lookups: Lookups,
  ) {}

  /** Joins the load in progress, or begins one. @throws CACHE_BUSY, what the loader throws */
  load<T>(key: string, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    const { counts, settings, memory } = this.parts
    const known = this.flights.of(key)
    if (known !== undefined) {
      counts.stampedes_avoided += 1
      return known.result as Promise<T>
    }
    const { maxLoads } = settings.config
    if (this.flights.size >= maxLoads) return Promise.reject(cacheError('CACHE_BUSY', { limit: maxLoads }))
    // Deferred, so that a loader that asks for its own key finds the load in progress.
    const work = (flight: Flight) => Promise.resolve().then(() => this.run(key, loader, options, flight, looked?.found))
    return this.flights.begin(key, looked?.sequence ?? memory.tags.now, work) as Promise<T>
  }

  /** Loads while the stale value is served. @returns undefined after a failed load; the next waits `graceBackoff` */
  refreshInBackground<T>(
    entry: Entry,
    loader: Loader<T>,
    options: LoadOptions,
    looked?: LookedUp,
  ): Promise<{ value: T } | undefined> {
    return this.load(entry.key, loader, options, looked).then(
      (value) => ({ value }),
      () => {
        const { clock, settings } = this.parts
        entry.retryAtMs = clock.now() + settings.config.graceBackoff
        return undefined
      },
    )
  }

  /** Redis, unless the caller looked there; then the lock, where it is on; then the loader. */
  private async run<T>(key: string, loader: Loader<T>, options: LoadOptions, flight: Flight, looked?: Found) {
    const { redis, settings } = this.parts
    if (redis === undefined) return this.callLoader(key, loader, options, flight)
    let found = looked
    /** Finds what another process loaded meanwhile. */
    const look = async () => {
      found = await redis.read(key)
      const entry = flight.mustNotKeep ? undefined : this.lookups.take(key, found, flight, 'freshUntilMs').entry
      return entry && { value: entry.value }
    }
    const loaded = looked === undefined ? await look() : undefined
    if (loaded !== undefined) return loaded.value
    if (!(options.lock ?? settings.config.lock)) return this.callLoader(key, loader, options, flight, found)
    const entered = await redis.lock.enter(key, look)
    if ('found' in entered) return entered.found.value
    try {
      return await this.callLoader(key, loader, options, flight, found)
    } finally {
      // A process that waits for the lock must find the value when the lock is free.
      void Promise.resolve(flight.stored).then(entered.release)
    }
  }

  private async callLoader<T>(key: string, loader: Loader<T>, options: LoadOptions, flight: Flight, found?: Found) {
    const { parts } = this
    const { clock, settings } = parts
    const startedMs = clock.monotonic()
    parts.count('loads', key)
    try {
      const loaded = await runLoader(key, loader, options, settings.config)
      const entry = this.keep(key, loaded, flight)
      if (entry !== undefined && found !== undefined) flight.stored = parts.redis?.keep(key, entry, found)
      return loaded.value
    } catch (thrown) {
      parts.count('load_failures', key)
      throw thrown
    } finally {
      parts.count('load_seconds', key, (clock.monotonic() - startedMs) / 1_000)
    }
  }

  /** @returns undefined where the loader or an invalidation forbids to keep the value */
  private keep(key: string, loaded: Loaded, flight: Flight): StoredEntry | undefined {
    const { clock, counts, memory, random, settings } = this.parts
    const { value, tags, ttlMs, graceMs } = loaded
    if (ttlMs === 0) return undefined
    const times = entryTimes(clock.now(), ttlMs, graceMs, settings.config.jitter, random())
    if (flight.mustNotKeep || memory.tags.isStale(tags, flight.sequence)) return undefined
    counts.sets += 1
    const entry = memory.make(key, { value, tags, ...times }, flight.sequence)
    memory.keep(entry)
    return entry
  }
}
