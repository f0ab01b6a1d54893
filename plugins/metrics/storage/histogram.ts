import type { BucketHandle, Exemplar } from '../api.ts'
import { metricsError } from '../errors.ts'
import { openMetricsFloat, prometheusNumber } from '../exposition/notation.ts'
import { exemplarText } from './exemplar.ts'
import { type FamilyOptions, type SampleShape, StoredFamily } from './family.ts'
import { SlotSeries, Slots, sumOf } from './slots.ts'

const maxBuckets = 200

class HistogramSeries extends SlotSeries<HistogramFamily> implements BucketHandle {
  observe(value: number, exemplar?: Exemplar): void {
    // false for NaN and the infinities, which would stay in the sum for good
    if (!(typeof value === 'number' && value - value === 0)) throw this.family.refusal(value)
    const { bounds, slots } = this.family
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1
    if (exemplar !== undefined) {
      const text = exemplarText(this.family.name, exemplar, value, this.family.now())
      this.exemplars ??= []
      this.exemplars[bucket] = text
    }
    const { values } = slots
    values[this.offset + bucket]! += 1
    const sum = this.offset + bounds.length + 1
    values[sum] = sumOf(values[sum]!, value)
  }
}

/** @throws METRICS_BUCKETS_INVALID unless the bounds are finite and ascending */
export function checkBuckets(metric: string, buckets: readonly number[]): void {
  const ascending = buckets.every((bound, index) => index === 0 || bound > buckets[index - 1]!)
  const fits = buckets.length >= 1 && buckets.length <= maxBuckets
  if (!ascending || !fits || !buckets.every(Number.isFinite)) {
    throw metricsError('METRICS_BUCKETS_INVALID', { metric, buckets: buckets.slice(0, 20).join(', ') })
  }
}

/**
 * A histogram with fixed buckets. A row holds one count for each bucket, not cumulated, the count above the last
 * bound, and the sum.
 */
export class HistogramFamily extends StoredFamily<HistogramSeries> {
  readonly type = 'histogram'
  readonly bounds: Float64Array
  readonly slots: Slots
  readonly samples: readonly SampleShape[]

  constructor(options: FamilyOptions & { readonly buckets: readonly number[] }) {
    super(options)
    this.bounds = Float64Array.from(options.buckets)
    this.slots = new Slots(this.bounds.length + 2)
    const bound = (value: number) => ({
      suffix: '_bucket',
      label: { name: 'le' as const, prometheus: prometheusNumber(value), openmetrics: openMetricsFloat(value) },
    })
    this.samples = [...[...this.bounds, Number.POSITIVE_INFINITY].map(bound), { suffix: '_sum' }, { suffix: '_count' }]
  }

  /** @throws METRICS_VALUE_INVALID for a number that is not finite, METRICS_EXEMPLAR_INVALID */
  observe(labels: Readonly<Record<string, string>>, value: number, exemplar?: Exemplar): void {
    this.labels(labels).observe(value, exemplar)
  }

  protected create(values: readonly string[]): HistogramSeries {
    return new HistogramSeries(this, values)
  }

  read(series: HistogramSeries, out: Float64Array): void {
    const { values } = this.slots
    const buckets = this.bounds.length + 1
    let count = 0
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      count += values[series.offset + bucket]!
      out[bucket] = count
    }
    out[buckets] = values[series.offset + buckets]!
    out[buckets + 1] = count
  }
}
