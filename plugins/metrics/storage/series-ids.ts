/** The ids that a reader gave to the samples of one family, and the copy of their values. */

import type { AnyFamily } from './factory.ts'
import type { SeriesBase, StoredFamily } from './family.ts'
import { deadOffset } from './slots.ts'

/** Consecutive ids, one for each sample of a series. */
export class IdRange {
  /** The samples as the last collection read them, for summaries and metrics of prom-client. */
  kept: Float64Array | undefined
  /** Where `ids` caches the offset. */
  index = 0

  /** @param series undefined for a metric of prom-client, which has nothing but `kept`, as is `ids` */
  constructor(
    readonly first: number,
    readonly count: number,
    readonly series?: SeriesBase & { readonly offset?: number },
    readonly ids?: SeriesIds,
  ) {}

  /** Reads the samples now. @returns undefined for a series that was removed */
  read(): Float64Array | undefined {
    const { series, ids } = this
    if (series === undefined || ids === undefined) return this.kept
    const family = ids.family as unknown as StoredFamily<SeriesBase>
    if (!family.all.has(series)) return undefined
    const numbers = new Float64Array(this.count)
    family.read(series, numbers)
    return numbers
  }
}

export class SeriesIds {
  readonly ranges = new Map<SeriesBase, IdRange>()
  /** `removals` of the family when the ranges were last compared with its series. */
  compared: number
  readonly #list: IdRange[] = []
  #firsts = new Int32Array(16)
  #offsets = new Int32Array(16)

  constructor(readonly family: AnyFamily) {
    this.compared = family.removals
  }

  assign(series: SeriesBase, first: number): IdRange {
    const range = new IdRange(first, this.family.samples.length, series, this)
    const { length } = this.#list
    this.ranges.set(series, range)
    if (length === this.#firsts.length) {
      this.#firsts = grown(this.#firsts)
      this.#offsets = grown(this.#offsets)
    }
    this.#put(range, length)
    return range
  }

  /** The last range takes the place of a dropped one. */
  drop({ index, series }: IdRange): void {
    const last = this.#list.pop()!
    if (last.series !== series) this.#put(last, index)
  }

  #put(range: IdRange, index: number): void {
    range.index = index
    this.#list[index] = range
    this.#firsts[index] = range.first
    this.#offsets[index] = range.series?.offset ?? deadOffset
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
      if (series?.offset === deadOffset) target.fill(Number.NaN, first, first + count)
    }
  }
}

const grown = ({ buffer }: Int32Array<ArrayBuffer>) => new Int32Array(buffer.transfer(buffer.byteLength * 2))

export function copyKept({ first, kept }: IdRange, target: Float64Array): void {
  if (kept === undefined) return
  for (let index = 0; index < kept.length; index += 1) target[first + index] = kept[index]!
}
