/** Looks into Redis, one under way for each key; what may be served is taken into memory with the time that it has left. */
import type { Clock } from '../../../core/plugin.ts'
import type { Entry } from '../memory/entry.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { Found, RedisTier } from '../redis/redis-tier.ts'
import { type Flight, Flights } from './flights.ts'

/** What a look gave, and the place among invalidations at which it began. */
export interface LookedUp {
  readonly found: Found
  readonly sequence: number
  /** The entry that may be served, fresh or in its grace. */
  readonly entry: Entry | undefined
}

/** What the looks of a cache work with. */
export interface LookupsHouse {
  readonly clock: Clock
  readonly memory: MemoryTier
  readonly redis: RedisTier | undefined
}

export class Lookups {
  private readonly flights = new Flights<LookedUp>()

  /** @param house read at each use: a reload changes it */
  constructor(private readonly house: LookupsHouse) {}

  doom(key: string): void {
    this.flights.doom(key)
  }
  doomAll(matches: (key: string) => boolean): void {
    this.flights.doomAll(matches)
  }

  /** Joins the look under way, or begins one. */
  of(redis: RedisTier, key: string): Promise<LookedUp> {
    const { memory } = this.house
    const known = this.flights.of(key)
    if (known !== undefined) return known.result!
    const flight = this.flights.hold(key, memory.tags.now)
    flight.result = redis.read(key).then((found) => {
      this.flights.release(key, flight)
      return this.take(key, found, flight)
    })
    return flight.result
  }

  private take(key: string, found: Found, { sequence, doomed }: Flight): LookedUp {
    const { memory, clock } = this.house
    const { entry: stored } = found
    if (stored === undefined || stored.staleUntilMs <= clock.now() || memory.tags.isStale(stored.tags, sequence))
      return { found, sequence, entry: undefined }
    const held = memory.peek(key)
    if (held !== undefined && held.createdMs >= stored.createdMs) return { found, sequence, entry: held }
    const entry = memory.make(key, stored, sequence)
    if (!doomed) memory.keep(entry)
    return { found, sequence, entry }
  }
}
