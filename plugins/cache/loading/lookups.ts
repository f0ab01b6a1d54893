/** Lookups in Redis, one in progress for each key. Memory keeps what may be served. */
import type { CacheParts } from '../cache-parts.ts'
import type { Entry } from '../memory/entry.ts'
import type { Found, RedisTier } from '../redis/redis-tier.ts'
import { type Flight, Flights } from './flights.ts'

export interface LookedUp {
  readonly found: Found
  /** Place among invalidations at which the lookup began. */
  readonly sequence: number
  /** The entry that may be served, fresh or stale. */
  readonly entry: Entry | undefined
}

export class Lookups {
  readonly flights = new Flights<LookedUp>()

  constructor(private readonly parts: CacheParts) {}

  /** Joins the lookup in progress, or begins one. */
  of(redis: RedisTier, key: string): Promise<LookedUp> {
    const { flights, parts } = this
    const read = (flight: Flight) => redis.read(key).then((found) => this.take(key, found, flight, 'staleUntilMs'))
    return flights.of(key)?.result ?? flights.begin(key, parts.memory.tags.now, read)
  }

  /** Takes an entry of Redis into memory. @param until the time until which the entry may be served */
  take(key: string, found: Found, flight: Flight, until: 'freshUntilMs' | 'staleUntilMs'): LookedUp {
    const { memory, clock } = this.parts
    const { sequence, mustNotKeep } = flight
    const { entry: stored } = found
    if (stored === undefined || stored[until] <= clock.now() || memory.tags.isStale(stored.tags, sequence))
      return { found, sequence, entry: undefined }
    const held = memory.peek(key)
    if (held !== undefined && held.createdMs >= stored.createdMs) return { found, sequence, entry: held }
    const entry = memory.make(key, stored, sequence)
    if (!mustNotKeep) memory.keep(entry)
    return { found, sequence, entry }
  }
}
