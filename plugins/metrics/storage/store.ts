/** All families of one runtime, with their registration and the names that each takes up. */
import type { Clock } from '../../../core/plugin.ts'
import type { MetricFactory, MetricOptions, MetricType } from '../api.ts'
import { metricsError } from '../errors.ts'
import { checkNames, namesTaken } from '../naming.ts'
import { createBatch } from './batch-observation.ts'
import type { FamilyOptions } from './family.ts'
import { checkBuckets, HistogramFamily } from './histogram.ts'
import { CounterFamily, GaugeFamily } from './number-families.ts'
import { checkQuantiles, SummaryFamily } from './summary.ts'

export type AnyFamily = CounterFamily | GaugeFamily | HistogramFamily | SummaryFamily

/** How many metrics a runtime takes. */
export const maxFamilies = 5_000
const defaultQuantiles = [0.5, 0.9, 0.99]
const defaultWindowMs = 600_000

interface Entry {
  readonly family: AnyFamily
  readonly shape: string
  /** The registration gave a limit of series. */
  readonly ownLimit: boolean
}

/** What a metric is, for comparison and for messages. */
const shapeOf = (type: MetricType, { labels = [] }: MetricOptions, rest: readonly number[] = []) =>
  `${type}(${[labels.join(','), ...(rest.length > 0 ? [rest.join(',')] : [])].join('; ')})`

export class MetricStore implements MetricFactory {
  readonly #entries = new Map<string, Entry>()
  /** Each name that a metric takes up, with the metric. */
  readonly #names = new Map<string, string>()
  readonly #overflow: CounterFamily
  #defaultMaxSeries = 1_000

  /** @param clock for the windows of summaries, and for when a series was made */
  constructor(readonly clock: Pick<Clock, 'monotonic' | 'now'>) {
    this.#overflow = this.counter({
      name: 'arkwatch_metrics_overflow_total',
      help: 'Values that went to the series __overflow__ because the metric has reached its limit of series.',
      labels: ['metric'],
      maxSeries: maxFamilies,
    }) as unknown as CounterFamily
  }

  /** The families, in order of registration. Removal and registration during iteration are allowed. */
  *families(): IterableIterator<AnyFamily> {
    for (const { family } of this.#entries.values()) yield family
  }

  family(name: string): AnyFamily | undefined {
    return this.#entries.get(name)?.family
  }

  /** The metric that takes up a sample or family name. */
  ownerOf(name: string): string | undefined {
    return this.#names.get(name)
  }

  /** For metrics that do not set a limit of their own. */
  set defaultMaxSeries(limit: number) {
    this.#defaultMaxSeries = limit
    for (const { family, ownLimit } of this.#entries.values()) if (!ownLimit) family.maxSeries = limit
  }

  /** Removes a metric with all its series. */
  drop(name: string): void {
    const family = this.family(name)
    if (family === undefined) return
    family.remove({})
    this.#overflow.remove({ metric: name })
    this.#entries.delete(name)
    for (const taken of namesTaken(name, family.type)) this.#names.delete(taken)
  }

  readonly counter: MetricFactory['counter'] = (options) =>
    this.#register('counter', options, [], (common) => new CounterFamily(common)) as never

  readonly gauge: MetricFactory['gauge'] = (options) =>
    this.#register('gauge', options, [], (common) => new GaugeFamily(common)) as never

  readonly histogram: MetricFactory['histogram'] = (options) => {
    const { name, buckets } = options
    checkBuckets(name, buckets)
    const create = (common: FamilyOptions) => new HistogramFamily({ ...common, buckets })
    return this.#register('histogram', options, buckets, create) as never
  }

  readonly summary: MetricFactory['summary'] = (options) => {
    const { name, quantiles = defaultQuantiles, windowMs = defaultWindowMs } = options
    checkQuantiles(name, quantiles, windowMs)
    const shape = { quantiles, windowMs, monotonic: () => this.clock.monotonic() }
    const create = (common: FamilyOptions) => new SummaryFamily({ ...common, ...shape })
    return this.#register('summary', options, [...quantiles, windowMs], create) as never
  }

  batch = () => createBatch(this)

  #register(
    type: MetricType,
    options: MetricOptions,
    rest: readonly number[],
    create: (common: FamilyOptions) => AnyFamily,
  ): AnyFamily {
    const { name, help, labels = [], maxSeries, hasCreated = true } = options
    const shape = shapeOf(type, options, rest)
    const known = this.#entries.get(name)
    if (known !== undefined) {
      if (known.shape === shape) {
        if (maxSeries !== undefined) known.family.maxSeries = maxSeries
        return known.family
      }
      throw metricsError('METRICS_NAME_TAKEN', { metric: name, known: known.shape, wanted: shape })
    }
    checkNames(name, type, help, labels)
    const taken = namesTaken(name, type)
    for (const sample of taken) {
      const owner = this.#names.get(sample)
      if (owner !== undefined) throw metricsError('METRICS_NAME_COLLIDES', { metric: name, sample, owner })
    }
    if (this.#entries.size >= maxFamilies) {
      throw metricsError('METRICS_TOO_MANY', { metric: name, limit: maxFamilies })
    }
    const family = create({
      name,
      help,
      labels: [...labels],
      maxSeries: maxSeries ?? this.#defaultMaxSeries,
      hasCreated: hasCreated && type !== 'gauge',
      now: () => this.clock.now(),
      onOverflow: (metric) => this.#overflow.inc({ metric }),
    })
    for (const sample of taken) this.#names.set(sample, name)
    this.#entries.set(name, { family, shape, ownLimit: maxSeries !== undefined })
    // without labels everything that counts begins at zero; a gauge has no value before it is set
    if (labels.length === 0 && type !== 'gauge') family.labels({})
    return family
  }
}
