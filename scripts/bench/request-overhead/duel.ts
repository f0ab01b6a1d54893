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

/** Scales a median absolute deviation to a standard deviation, and that to the error of a median, for normal noise. */
const madToSd = 1.4826
const medianError = 1.2533

/** @returns median and its standard error */
export function summarize(values: readonly number[]): Ratio {
  const ratio = median(values)
  const mad = median(values.map((value) => Math.abs(value - ratio)))
  return { ratio, error: (madToSd * mad * medianError) / Math.sqrt(values.length) }
}

/** @returns the ratio of each segment of the variant to the mean of the bare segments on both sides */
export const pairRatios = (segments: readonly Segment[], key: 'processUs' | 'threadUs'): number[] =>
  segments.flatMap((segment, at) => {
    const before = segments[at - 1]
    const after = segments[at + 1]
    if (segment.bare || before === undefined || after === undefined) return []
    return [segment[key] / ((before[key] + after[key]) / 2)]
  })
