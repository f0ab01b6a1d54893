/**
 * A DDSketch: quantiles with a bounded relative error, by counts in buckets. The bits of a number name the bucket: the
 * exponent, and the first six bits of the fraction, 64 buckets for each power of two.
 * @see C. Masson, J. Rim, H. Lee: DDSketch, PVLDB 12(12), 2019; "HDR Histogram" for buckets by bits
 */

/** The greatest error of a quantile, as a ratio of the true value. */
export const relativeError = 0.01

/** Magnitudes outside of this range count as its ends; below the lower one as zero. */
export const smallest = 1e-9
export const largest = 1e9

/** A number, and its bits on the little-endian machines of Bun. */
const float = new Float64Array(1)
const bits = new Int32Array(float.buffer)
/** Fraction bits of the upper word that do not count. */
const dropped = 14

const bucketOf = (magnitude: number): number => {
  float[0] = Math.min(magnitude, largest)
  return bits[1]! >> dropped
}

function lowerBound(index: number): number {
  bits[0] = 0
  bits[1] = index << dropped
  return float[0]!
}

/** The value whose relative distance to both bounds of a bucket is the same. */
function valueAt(index: number): number {
  const [lower, upper] = [lowerBound(index), lowerBound(index + 1)]
  return (2 * lower * upper) / (lower + upper)
}

/** Counts over a span of indices that grows with the values: 64 for a power of two from `smallest` to `largest`. */
class Counts {
  #counts = new Float64Array(0)
  #first = 0

  add(index: number, by = 1): void {
    let at = index - this.#first
    if (at < 0 || at >= this.#counts.length) {
      const empty = this.#counts.length === 0
      const first = empty ? index : Math.min(index - 8, this.#first)
      const last = empty ? index + 8 : Math.max(index + 8, this.#first + this.#counts.length - 1)
      const grown = new Float64Array(last - first + 1)
      grown.set(this.#counts, empty ? 0 : this.#first - first)
      this.#counts = grown
      this.#first = first
      at = index - first
    }
    this.#counts[at]! += by
  }

  /** Buckets that are not empty, ascending. */
  each(visit: (index: number, count: number) => void): void {
    for (let at = 0; at < this.#counts.length; at += 1) {
      if (this.#counts[at]! > 0) visit(this.#first + at, this.#counts[at]!)
    }
  }
}

/** 0.07 * 100 is 7.000000000000001, and yet the seventh value. */
const roundingError = 1e-9

export class QuantileSketch {
  count = 0
  #zeros = 0
  readonly #positive = new Counts()
  readonly #negative = new Counts()

  add(value: number): void {
    this.count += 1
    const magnitude = Math.abs(value)
    if (magnitude < smallest) this.#zeros += 1
    else (value > 0 ? this.#positive : this.#negative).add(bucketOf(magnitude))
  }

  merge(other: QuantileSketch): void {
    this.count += other.count
    this.#zeros += other.#zeros
    other.#positive.each((index, count) => this.#positive.add(index, count))
    other.#negative.each((index, count) => this.#negative.add(index, count))
  }

  /**
   * By the nearest rank: the smallest value that at least this share of all values does not exceed, so that a high
   * quantile of few values is the greatest.
   * @param quantile 0-1 @returns NaN of an empty sketch
   */
  quantile(quantile: number): number {
    if (this.count === 0) return Number.NaN
    const rank = Math.min(this.count, Math.max(1, Math.ceil(quantile * this.count - roundingError)))
    let below = 0
    let found: number | undefined
    const pass = (value: number, count: number) => {
      below += count
      if (found === undefined && below >= rank) found = value
    }
    const negative: [number, number][] = []
    this.#negative.each((index, count) => negative.push([index, count]))
    for (const [index, count] of negative.reverse()) pass(-valueAt(index), count)
    if (this.#zeros > 0) pass(0, this.#zeros)
    this.#positive.each((index, count) => pass(valueAt(index), count))
    return found ?? Number.NaN
  }
}

/** The oldest part is dropped as a whole. */
const windowParts = 5

/** Values of the last `windowMs`, in parts: values count for between 4/5 of the window and all of it. */
export class SlidingSketch {
  readonly #partMs: number
  readonly #parts: (QuantileSketch | undefined)[] = Array.from({ length: windowParts }, () => undefined)
  #current = Number.NEGATIVE_INFINITY

  constructor(windowMs: number) {
    this.#partMs = windowMs / windowParts
  }

  #advance(nowMs: number): void {
    const part = Math.floor(nowMs / this.#partMs)
    if (part <= this.#current) return
    const passed = Math.min(windowParts, part - this.#current)
    for (let step = 0; step < passed; step += 1) this.#parts[(part - step) % windowParts] = undefined
    this.#current = part
  }

  /** @param nowMs monotonic, from 0 */
  add(value: number, nowMs: number): void {
    this.#advance(nowMs)
    const at = this.#current % windowParts
    const part = this.#parts[at] ?? new QuantileSketch()
    this.#parts[at] = part
    part.add(value)
  }

  merged(nowMs: number): QuantileSketch {
    this.#advance(nowMs)
    const all = new QuantileSketch()
    for (const part of this.#parts) if (part !== undefined) all.merge(part)
    return all
  }
}
