/** Slots: rows of numbers in one typed array, taken and freed; and the series that use slots. */
import { SeriesBase } from './family.ts'

/** The offset of row 0, which takes the writes of handles whose series were removed, and is never shown. */
export const deadOffset = 0

/** A greater sum loses additions of up to 1,024. */
export const greatestSum = 2 ** 63

/**
 * Adds to a sum that has no end. Where the addition would be lost or the sum infinite, since one value was absurd, the
 * sum begins again, which readers take for a reset.
 */
export function sumOf(sum: number, by: number): number {
  const next = sum + by
  if (next <= greatestSum && next >= -greatestSum) return next
  return (next === sum && by !== 0) || !Number.isFinite(next) ? by : next
}

export class Slots {
  /** Replaced when it grows: never keep a reference. */
  values: Float64Array
  readonly #free: number[] = []
  #used = 1

  /** @param stride numbers a row */
  constructor(readonly stride: number) {
    this.values = new Float64Array(stride * 4)
  }

  /** @returns the offset of a row of zeros */
  take(): number {
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    const offset = this.#used * this.stride
    this.#used += 1
    if (offset + this.stride > this.values.length) {
      const grown = new Float64Array(this.values.length * 2)
      grown.set(this.values)
      this.values = grown
    }
    return offset
  }

  giveBack(offset: number): void {
    if (offset === deadOffset) return
    this.values.fill(0, offset, offset + this.stride)
    this.#free.push(offset)
  }
}

/** A series in a row of slots. */
export abstract class SlotSeries<F extends { readonly slots: Slots }> extends SeriesBase {
  offset: number
  constructor(
    readonly family: F,
    values: readonly string[],
  ) {
    super(values)
    this.offset = family.slots.take()
  }

  get isRemoved(): boolean {
    return this.offset === deadOffset
  }

  kill(): void {
    this.family.slots.giveBack(this.offset)
    this.offset = deadOffset
  }
}
