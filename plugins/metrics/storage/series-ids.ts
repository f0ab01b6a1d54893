/** The ids that a reader gave to the samples of one family, and the copy of their values. */
import type { SeriesBase, StoredFamily } from './family.ts'
import { deadOffset } from './slots.ts'
import type { AnyFamily } from './store.ts'

/** Consecutive ids, one for each sample of a series. */
export interface IdRange {
  readonly first: number
  readonly count: number
  /** The samples as the last collection read them, for series that are slow to read. */
  kept: Float64Array | undefined
  /** Reads the samples now. @returns undefined for a series that was removed */
  read(): Float64Array | undefined
  /** Ends the copying. */
  drop(): void
}

class SeriesRange implements IdRange {
  kept: Float64Array | undefined = undefined
  constructor(
    private readonly ids: SeriesIds,
    readonly series: SeriesBase & { readonly offset?: number },
    readonly first: number,
    /** Where the cached offset is. */
    public index: number,
  ) {}

  get count(): number {
    return this.ids.family.samples.length
  }

  read(): Float64Array | undefined {
    const family = this.ids.family as unknown as StoredFamily<SeriesBase>
    if (!family.all.has(this.series)) return undefined
    const numbers = new Float64Array(this.count)
    family.read(this.series, numbers)
    return numbers
  }

  drop(): void {
    this.ids.drop(this)
  }
}

export class SeriesIds {
  readonly ranges = new Map<SeriesBase, IdRange>()
  /** `removals` of the family when the ranges were last compared with its series. */
  compared: number
  readonly #list: SeriesRange[] = []
  #firsts = new Int32Array(16)
  #offsets = new Int32Array(16)

  constructor(readonly family: AnyFamily) {
    this.compared = family.removals
  }

  assign(series: SeriesBase, first: number): IdRange {
    const range = new SeriesRange(this, series, first, this.#list.length)
    this.ranges.set(series, range)
    if (range.index === this.#firsts.length) {
      this.#firsts = grown(this.#firsts)
      this.#offsets = grown(this.#offsets)
    }
    this.#put(range, range.index)
    return range
  }

  /** The last range takes the place of a dropped one. */
  drop({ index, series }: SeriesRange): void {
    const last = this.#list.pop()!
    if (last.series !== series) this.#put(last, index)
  }

  #put(range: SeriesRange, index: number): void {
    range.index = index
    this.#list[index] = range
    this.#firsts[index] = range.first
    this.#offsets[index] = range.series.offset ?? deadOffset
  }

  /** Writes each value at the place of its id, NaN for a series that was removed since. */
  copyTo(target: Float64Array): void {
    const { family } = this
    if (family.type === 'summary') for (const range of this.#list) copyKept(range, target)
    else {
      this.#copySlots(family.slots.values, family.type === 'histogram' ? family.bounds.length + 1 : 0, target)
      if (this.compared !== family.removals) this.#clearRemoved(target)
    }
  }

  /** @param buckets of a histogram, whose counts become cumulative; else 0 */
  #copySlots(values: Float64Array, buckets: number, target: Float64Array): void {
    const firsts = this.#firsts
    const offsets = this.#offsets
    const { length } = this.#list
    if (buckets === 0) {
      for (let index = 0; index < length; index += 1) target[firsts[index]!] = values[offsets[index]!]!
      return
    }
    for (let index = 0; index < length; index += 1) {
      const first = firsts[index]!
      const offset = offsets[index]!
      let total = 0
      for (let bucket = 0; bucket < buckets; bucket += 1) {
        total += values[offset + bucket]!
        target[first + bucket] = total
      }
      target[first + buckets] = values[offset + buckets]!
      target[first + buckets + 1] = total
    }
  }

  #clearRemoved(target: Float64Array): void {
    for (const { series, first, count } of this.#list) {
      if (series.offset === deadOffset) target.fill(Number.NaN, first, first + count)
    }
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(array.length * 2)
  twice.set(array)
  return twice
}

export function copyKept({ first, kept }: IdRange, target: Float64Array): void {
  if (kept === undefined) return
  for (let index = 0; index < kept.length; index += 1) target[first + index] = kept[index]!
}
