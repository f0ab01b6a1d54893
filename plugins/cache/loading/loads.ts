/** Loads under way: one for each key in this process, and one among processes where that is asked for. */
import type { Clock } from '../../../core/plugin.ts'
import type { Loader, LoadOptions } from '../api.ts'
import type { CacheConfig, Settings } from '../config.ts'
import type { StoredEntry } from '../entry-times.ts'
import { entryTimes } from '../entry-times.ts'
import { cacheError } from '../errors.ts'
import type { Entry } from '../memory/entry.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { Found, RedisTier } from '../redis/redis-tier.ts'
import { type Flight, Flights } from './flights.ts'
import { type Loaded, runLoader } from './loader-run.ts'
import type { LookedUp } from './lookups.ts'

/** What the loads of a cache work with. */
export interface LoadsHouse {
  readonly settings: Settings
  readonly clock: Clock
  readonly memory: MemoryTier
  readonly redis: RedisTier | undefined
  readonly random: () => number
}

export class Loads {
  readonly counts = { loads: 0, load_failures: 0, load_seconds: 0, stampedes_avoided: 0, sets: 0 }
  private readonly flights = new Flights()

  /** @param house read at each use: a reload changes it */
  constructor(private readonly house: LoadsHouse) {}

  get size(): number {
    return this.flights.size
  }
  doom(key: string): void {
    this.flights.doom(key)
  }
  doomAll(matches: (key: string) => boolean): void {
    this.flights.doomAll(matches)
  }

  /** Loads, or joins the load under way. @throws CACHE_BUSY, what the loader throws */
  load<T>(key: string, loader: Loader<T>, options: LoadOptions, looked?: LookedUp): Promise<T> {
    const known = this.flights.of(key)
    if (known !== undefined) {
      this.counts.stampedes_avoided += 1
      return known.result as Promise<T>
    }
    const { settings, memory } = this.house
    const { maxLoads } = settings.config
    if (this.flights.size >= maxLoads) return Promise.reject(cacheError('CACHE_BUSY', { limit: maxLoads }))
    const sequence = looked?.sequence ?? memory.tags.now
    return this.flights.begin(key, sequence, (flight) => this.fly(key, loader, options, flight, looked?.found))
      .result as Promise<T>
  }

  /** Loads while the old value is served. @returns undefined where it failed: the old value then rests for `graceBackoff` */
  behind<T>(
    entry: Entry,
    loader: Loader<T>,
    options: LoadOptions,
    looked?: LookedUp,
  ): Promise<{ value: T } | undefined> {
    return this.load(entry.key, loader, options, looked).then(
      (value) => ({ value }),
      () => {
        const { clock, settings } = this.house
        entry.retryAtMs = clock.now() + settings.config.graceBackoff
        return undefined
      },
    )
  }

  /** The fresh entry in Redis, if there is one, taken into memory. */
  private async look(key: string, flight: Flight): Promise<{ found: Found; entry: StoredEntry | undefined }> {
    const { redis, clock, memory } = this.house
    const found = await redis?.read(key)
    const stored = found?.entry
    const isFresh = stored !== undefined && !flight.doomed && stored.freshUntilMs > clock.now()
    if (!isFresh || memory.tags.isStale(stored.tags, flight.sequence)) return { found: found!, entry: undefined }
    memory.keep(memory.make(key, stored, flight.sequence))
    return { found: found!, entry: stored }
  }

  private async fly<T>(
    key: string,
    loader: Loader<T>,
    options: LoadOptions,
    flight: Flight,
    looked: Found | undefined,
  ): Promise<unknown> {
    const { settings, redis } = this.house
    if (redis === undefined) return this.loadNow(key, loader, options, flight, undefined)
    let found = looked
    // A value that is loaded anew may have been loaded by another process already.
    const look = async () => {
      const seen = await this.look(key, flight)
      found = seen.found
      return seen.entry && { value: seen.entry.value }
    }
    if (found === undefined) {
      const seen = await look()
      if (seen !== undefined) return seen.value
    }
    if (!(options.lock ?? settings.config.lock)) return this.loadNow(key, loader, options, flight, found)
    const entered = await redis.lock.enter(key, look)
    if ('found' in entered) return entered.found.value
    const stored: Promise<void>[] = []
    try {
      return await this.loadNow(key, loader, options, flight, found, stored)
    } finally {
      // Whoever waits for the lock must find the value when it is free.
      void Promise.all(stored).then(entered.release)
    }
  }

  private async loadNow<T>(
    key: string,
    loader: Loader<T>,
    options: LoadOptions,
    flight: Flight,
    found: Found | undefined,
    stored: Promise<void>[] = [],
  ): Promise<T> {
    const { settings, clock } = this.house
    const startedMs = clock.monotonic()
    const group = this.house.memory.groups.of(key)
    this.counts.loads += 1
    if (group !== undefined) group.loads += 1
    let loaded: Loaded<T>
    try {
      loaded = await runLoader(key, loader, options, settings.config)
      if (loaded.ttlMs !== 0) {
        const entry = this.keep(key, loaded, flight, settings.config)
        const { redis } = this.house
        if (entry !== undefined && redis !== undefined && found !== undefined)
          stored.push(redis.keep(key, entry, found))
      }
    } catch (thrown) {
      this.counts.load_failures += 1
      if (group !== undefined) group.load_failures += 1
      throw thrown
    } finally {
      const seconds = (clock.monotonic() - startedMs) / 1_000
      this.counts.load_seconds += seconds
      if (group !== undefined) group.load_seconds += seconds
    }
    return loaded.value
  }

  /** @returns the entry, or undefined where it was invalidated while it was loaded */
  private keep(key: string, loaded: Loaded<unknown>, flight: Flight, config: CacheConfig): StoredEntry | undefined {
    const { clock, memory, random } = this.house
    const { value, tags, ttlMs, graceMs } = loaded
    const times = entryTimes(clock.now(), ttlMs, graceMs, config.jitter, random())
    if (flight.doomed || memory.tags.isStale(tags, flight.sequence)) return undefined
    this.counts.sets += 1
    const entry = memory.make(key, { value, tags, ...times }, flight.sequence)
    memory.keep(entry)
    return entry
  }
}
