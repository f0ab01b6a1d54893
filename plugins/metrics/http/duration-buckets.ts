/** The buckets of OpenTelemetry's HTTP durations, and the way from a duration to its bucket without a search. */

/** Upper bounds in seconds. @see https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

const firstMs = 5
const lastMs = 10_000
/** The unit of which all bounds are multiples. */
const stepMs = 2.5

const byStep = Uint8Array.from({ length: lastMs / stepMs + 1 }, (_, step) =>
  durationBuckets.findIndex((bound) => step * stepMs <= bound * 1_000),
)

/** @param durationMs from 0 @returns the index of its bucket; `durationBuckets.length` above all bounds and for NaN */
export function bucketOf(durationMs: number): number {
  if (durationMs <= firstMs) return 0
  if (durationMs <= lastMs) return byStep[Math.ceil(durationMs / stepMs)]!
  return durationBuckets.length
}
