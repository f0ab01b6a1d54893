import { SlidingSketch } from '../../../core/plugin.ts'
import type { ObserverHandle } from '../api.ts'
import { metricsError } from '../errors.ts'
import { openMetricsFloat, prometheusNumber } from '../exposition/notation.ts'
import { type FamilyOptions, type SampleShape, SeriesBase, StoredFamily } from './family.ts'
import { sumOf } from './slots.ts'

const maxQuantiles = 20
const minWindowMs = 1_000

export interface SummaryShape {
  readonly quantiles: readonly number[]
  readonly windowMs: number
  /** Monotonic milliseconds. */
  monotonic(): number
}

class SummarySeries extends SeriesBase implements ObserverHandle {
  readonly sketch: SlidingSketch
  sum = 0
  count = 0
  constructor(
    readonly family: SummaryFamily,
    values: readonly string[],
  ) {
    super(values)
    this.sketch = new SlidingSketch(family.shape.windowMs)
  }

  observe(value: number): void {
    if (!(typeof value === 'number' && value - value === 0)) throw this.family.refusal(value)
    this.sum = sumOf(this.sum, value)
    this.count += 1
    this.sketch.add(value, this.family.shape.monotonic())
  }

  kill(): void {}
}

/** @throws METRICS_QUANTILES_INVALID */
export function checkQuantiles(metric: string, quantiles: readonly number[], windowMs: number): void {
  const different = new Set(quantiles).size === quantiles.length
  const fits = quantiles.length >= 1 && quantiles.length <= maxQuantiles && windowMs >= minWindowMs
  if (!different || !fits || !quantiles.every((quantile) => quantile >= 0 && quantile <= 1)) {
    throw metricsError('METRICS_QUANTILES_INVALID', { metric, quantiles: quantiles.slice(0, 20).join(', '), windowMs })
  }
}

/** A summary: quantiles over a sliding window, sum and count over all time. */
export class SummaryFamily extends StoredFamily<SummarySeries> {
  readonly type = 'summary'
  readonly samples: readonly SampleShape[]
  readonly shape: SummaryShape

  constructor(options: FamilyOptions & SummaryShape) {
    super(options)
    this.shape = options
    const quantile = (value: number) => ({
      suffix: '',
      label: { name: 'quantile' as const, prometheus: prometheusNumber(value), openmetrics: openMetricsFloat(value) },
    })
    this.samples = [...options.quantiles.map(quantile), { suffix: '_sum' }, { suffix: '_count' }]
  }

  /** @throws METRICS_VALUE_INVALID for a number that is not finite */
  observe(labels: Readonly<Record<string, string>>, value: number): void {
    this.labels(labels).observe(value)
  }

  protected create(values: readonly string[]): SummarySeries {
    return new SummarySeries(this, values)
  }

  read(series: SummarySeries, out: Float64Array): void {
    const { quantiles, monotonic } = this.shape
    const window = series.sketch.merged(monotonic())
    for (let index = 0; index < quantiles.length; index += 1) out[index] = window.quantile(quantiles[index]!)
    out[quantiles.length] = series.sum
    out[quantiles.length + 1] = series.count
  }
}
