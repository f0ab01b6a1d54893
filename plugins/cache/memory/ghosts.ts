/**
 * PURE. Ghosts: shadow caches that estimate the hit ratio for other sizes and other times to live. The same policy runs
 * on a sample of the keys with limits reduced alike.
 *
 * @see "Efficient MRC construction with SHARDS", Waldspurger et al., FAST 2015: sampling by hash, the correction of a
 *   sample with too many or too few uses of hot keys
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
  readonly tier: S3Fifo<Ghost>
  constructor(
    limits: Limits,
    private readonly ttlFactor: number,
  ) {
    this.tier = new S3Fifo(limits)
  }

  /** @returns whether the shadow holds the key */
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
}

/** @returns the times of an entry that is loaded at `nowMs` */
const begunAt = (nowMs: number, { createdMs, freshUntilMs, staleUntilMs }: EntryTimes): EntryTimes => ({
  createdMs: nowMs,
  freshUntilMs: freshUntilMs + nowMs - createdMs,
  staleUntilMs: staleUntilMs + nowMs - createdMs,
})

export class Ghosts {
  /** One key in `oneIn` is sampled: a power of two. */
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
    return this.shadows.reduce((sum, { tier }) => sum + tier.size, 0)
  }

  isSampled(key: string): boolean {
    return (Bun.hash.crc32(key) & (this.oneIn - 1)) === 0
  }

  /** A lookup of a sampled key. @param found the entry of the real tier: ghosts without the key load it now */
  use(key: string, nowMs: number, found?: EntryTimes & { readonly bytes: number }): void {
    this.uses += 1
    for (const shadow of this.shadows) {
      if (!shadow.use(key, nowMs) && found !== undefined) shadow.add(key, found.bytes, begunAt(nowMs, found))
    }
  }

  /** Adds a loaded entry to the ghosts without its key. */
  add(key: string, bytes: number, times: EntryTimes): void {
    for (const shadow of this.shadows) if (!shadow.tier.peek(key)) shadow.add(key, bytes, times)
  }

  drop(key: string): void {
    for (const shadow of this.shadows) shadow.tier.delete(key, true)
  }
  clear(): void {
    for (const shadow of this.shadows) shadow.tier.clear()
  }

  /** @param lookups of all keys, sampled or not */
  estimate(lookups: number): GhostEstimate {
    const expected = lookups / this.oneIn
    const ratio = ({ hits }: Shadow) => Math.min(1, Math.max(0, (hits + expected - this.uses) / Math.max(1, expected)))
    const [same = 0, half = 0, double = 0, quadruple = 0, ...ttl] = this.shadows.map(ratio)
    return { same, half, double, quadruple, ttl: { half: ttl[0]!, double: ttl[1]!, quadruple: ttl[2]! } }
  }
}

/** Least gain of the hit ratio that justifies another config. */
const worthwhile = 0.03
const percent = (ratio: number) => `${(100 * ratio).toFixed(0)} %`

/** @param lookups so far @returns one line, or undefined where no change is worthwhile or too little is known */
export function advise({ same, half, double, quadruple, ttl }: GhostEstimate, lookups: number): string | undefined {
  if (lookups < 10_000) return undefined
  const hits = (ratio: number) => `hits in memory ${percent(same)} -> ${percent(ratio)}`
  if (double - same >= worthwhile) return `twice the entries: ${hits(double)}`
  if (quadruple - same >= worthwhile) return `four times the entries: ${hits(quadruple)}`
  if (ttl.double - same >= worthwhile) return `twice the time to live: ${hits(ttl.double)}`
  if (ttl.quadruple - same >= worthwhile) return `four times the time to live: ${hits(ttl.quadruple)}`
  if (same - half < worthwhile / 6) return `half the entries would do: ${hits(half)}`
  return undefined
}
