/** The arithmetic of a duel: CPU of alternating segments to a ratio. Pure. */

/** CPU of one segment, in microseconds. */
export interface Segment {
  /** Whether the baseline answered. */
  readonly bare: boolean
  /** Of the whole process. */
  readonly processUs: number
  /** Of the thread that serves requests. */
  readonly threadUs: number
}

/** Whose CPU. */
export type CpuKey = 'processUs' | 'threadUs'

/** A ratio to the baseline, with the standard error of its median. */
export interface Ratio {
  readonly ratio: number
  readonly error: number
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** From a median absolute deviation to a standard deviation, and from that to the error of a median, for normal noise. */
const madToSd = 1.4826
const sdToMedianError = 1.2533

/** @returns the standard error of the median of the values, from their median absolute deviation */
export function medianError(values: readonly number[]): number {
  const middle = median(values)
  const deviation = median(values.map((value) => Math.abs(value - middle)))
  return (madToSd * deviation * sdToMedianError) / Math.sqrt(values.length)
}

/** @returns the ratio of each segment of one side to the mean of the other side's segments before and after it */
const neighbourRatios = (segments: readonly Segment[], key: CpuKey, bare: boolean): number[] =>
  segments.flatMap((segment, at) => {
    const before = segments[at - 1]
    const after = segments[at + 1]
    if (segment.bare !== bare || before === undefined || after === undefined) return []
    return [segment[key] / ((before[key] + after[key]) / 2)]
  })

/**
 * The ratio of the variant to bare over one or more passes: the median of the passes' ratios, with the error of all pairs.
 *
 * Noise on a shared machine only adds, so the mean of two neighbours lies above the median of one segment. Both sides are
 * therefore compared with their neighbours, and the root of the quotient is taken, in which that cancels.
 */
export function duelRatio(passes: readonly (readonly Segment[])[], key: CpuKey): Ratio {
  const variant = passes.map((segments) => neighbourRatios(segments, key, false))
  const bare = passes.map((segments) => neighbourRatios(segments, key, true))
  const ratios = variant.map((each, at) => Math.sqrt(median(each) / median(bare[at]!)))
  return { ratio: median(ratios), error: (medianError(variant.flat()) + medianError(bare.flat())) / 2 }
}
