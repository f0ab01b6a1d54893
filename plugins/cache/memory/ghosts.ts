/**
 * PURE. What the hit ratio would be with another size or other times to live: the same policy played on a sample of the
 * keys with a sample of the room.
 *
 * @see "Efficient MRC construction with SHARDS", Waldspurger et al., FAST 2015: sampling by hash, and the correction of a
 *   sample that holds too many or too few uses of hot keys
 */
import type { GhostEstimate } from '../api.ts'
import type { EntryTimes } from '../entry-times.ts'
import { type Limits, type Resident, S3Fifo } from './s3-fifo.ts'

/** Sampled entries that a ghost of the real size holds at least. */
const sampledEntries = 512

interface Ghost extends Resident {
  readonly expiresMs: number
}

class Shadow {
  hits = 0
  private readonly tier: S3Fifo<Ghost>
  constructor(
    limits: Limits,
    private readonly ttlFactor: number,
  ) {
    this.tier = new S3Fifo(limits)
  }

  /** @returns whether it holds the key */
  use(key: string, nowMs: number): boolean {
    const ghost = this.tier.get(key)
    if (ghost === undefined) return false
    if (ghost.expiresMs > nowMs) {
      this.hits += 1
      return true
    }
    this.tier.delete(key, true)
    return false
  }

  add(key: string, bytes: number, times: EntryTimes): void {
    const { createdMs, freshUntilMs, staleUntilMs } = times
    const expiresMs = staleUntilMs + (this.ttlFactor - 1) * (freshUntilMs - createdMs)
    this.tier.set({ key, bytes, expiresMs, uses: 0, inMain: false, previous: undefined, next: undefined })
  }

  holds(key: string): boolean {
    return this.tier.peek(key) !== undefined
  }
  drop(key: string): void {
    this.tier.delete(key, true)
  }
  clear(): void {
    this.tier.clear()
  }
  get size(): number {
    return this.tier.size
  }
}

/** @returns the times of an entry, had it been loaded at `nowMs` */
const begunAt = (nowMs: number, { createdMs, freshUntilMs, staleUntilMs }: EntryTimes): EntryTimes => ({
  createdMs: nowMs,
  freshUntilMs: freshUntilMs + nowMs - createdMs,
  staleUntilMs: staleUntilMs + nowMs - createdMs,
})

export class Ghosts {
  /** One key in so many is watched: a power of two. */
  readonly oneIn: number
  private uses = 0
  private readonly shadows: readonly Shadow[]

  constructor({ maxEntries, maxBytes }: Limits) {
    this.oneIn = 2 ** Math.max(0, Math.floor(Math.log2(maxEntries / sampledEntries)))
    const sized = (factor: number) => ({
      maxEntries: Math.max(1, Math.round((maxEntries * factor) / this.oneIn)),
      maxBytes: Math.max(1, Math.round((maxBytes * factor) / this.oneIn)),
    })
    const sizes = [1, 0.5, 2, 4].map((factor) => new Shadow(sized(factor), 1))
    this.shadows = [...sizes, ...[0.5, 2, 4].map((factor) => new Shadow(sized(1), factor))]
  }

  /** Entries of all ghosts. */
  get size(): number {
    return this.shadows.reduce((sum, { size }) => sum + size, 0)
  }

  isSampled(key: string): boolean {
    return (Bun.hash.crc32(key) & (this.oneIn - 1)) === 0
  }

  /** A look-up of a sampled key. @param found what the real tier holds: the ghosts that lack it load it now */
  use(key: string, nowMs: number, found?: EntryTimes & { readonly bytes: number }): void {
    this.uses += 1
    for (const shadow of this.shadows) {
      if (!shadow.use(key, nowMs) && found !== undefined) shadow.add(key, found.bytes, begunAt(nowMs, found))
    }
  }

  /** An entry that was loaded: for the ghosts that lack it. */
  add(key: string, bytes: number, times: EntryTimes): void {
    for (const shadow of this.shadows) if (!shadow.holds(key)) shadow.add(key, bytes, times)
  }

  drop(key: string): void {
    for (const shadow of this.shadows) shadow.drop(key)
  }
  clear(): void {
    for (const shadow of this.shadows) shadow.clear()
  }

  /** @param lookups those of all keys */
  estimate(lookups: number): GhostEstimate {
    const expected = lookups / this.oneIn
    const ratio = ({ hits }: Shadow) => Math.min(1, Math.max(0, (hits + expected - this.uses) / Math.max(1, expected)))
    const [same = 0, half = 0, double = 0, quadruple = 0, ...ttl] = this.shadows.map(ratio)
    return { same, half, double, quadruple, ttl: { half: ttl[0]!, double: ttl[1]!, quadruple: ttl[2]! } }
  }
}
