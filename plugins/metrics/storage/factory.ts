/** Registrations: what a metric is asked for with, and when two of them exclude each other. */
import type { Clock } from '../../../core/plugin.ts'
import type { MetricFactory, MetricOptions, MetricType } from '../api.ts'
import { metricsError } from '../errors.ts'
import { namesTaken } from '../naming.ts'
import { createBatch } from './batch-observation.ts'
import type { FamilyOptions } from './family.ts'
import { checkBuckets, HistogramFamily } from './histogram.ts'
import { CounterFamily, GaugeFamily } from './number-families.ts'
import { checkQuantiles, SummaryFamily } from './summary.ts'

export type AnyFamily = CounterFamily | GaugeFamily | HistogramFamily | SummaryFamily

export interface Registration {
  readonly type: MetricType
  readonly options: MetricOptions
  /** What the metric is, for comparison and for messages. */
  readonly shape: string
  create(common: FamilyOptions): AnyFamily
}

const defaultQuantiles = [0.5, 0.9, 0.99]
const defaultWindowMs = 600_000

const shapeOf = (type: MetricType, { labels = [] }: MetricOptions, rest: readonly number[]) =>
  `${type}(${[labels.join(','), ...(rest.length > 0 ? [rest.join(',')] : [])].join('; ')})`

/**
 * @param claim finds or makes the family
 * @param isReleased whether the owner has ended, whose batches then observe nothing
 */
export function createFactory(
  claim: (wanted: Registration) => AnyFamily,
  clock: Pick<Clock, 'monotonic'>,
  isReleased = () => false,
): MetricFactory {
  const claimed = (
    type: MetricType,
    options: MetricOptions,
    rest: readonly number[],
    create: Registration['create'],
  ): never => claim({ type, options, shape: shapeOf(type, options, rest), create }) as never
  const metrics: MetricFactory = {
    counter: (options) => claimed('counter', options, [], (common) => new CounterFamily(common)),
    gauge: (options) => claimed('gauge', options, [], (common) => new GaugeFamily(common)),
    histogram(options) {
      const { name, buckets } = options
      checkBuckets(name, buckets)
      return claimed('histogram', options, buckets, (common) => new HistogramFamily({ ...common, buckets }))
    },
    summary(options) {
      const { name, quantiles = defaultQuantiles, windowMs = defaultWindowMs } = options
      checkQuantiles(name, quantiles, windowMs)
      const shape = { quantiles, windowMs, monotonic: () => clock.monotonic() }
      const create = (common: FamilyOptions) => new SummaryFamily({ ...common, ...shape })
      return claimed('summary', options, [...quantiles, windowMs], create)
    },
    batch: () => createBatch(metrics, isReleased),
  }
  return metrics
}

/** A name that both would take up. */
export const sharedName = (one: Registration, other: Registration): string | undefined => {
  const taken = new Set(namesTaken(one.options.name, one.type))
  return namesTaken(other.options.name, other.type).find((name) => taken.has(name))
}

/** The error for a metric whose name a known one has. */
export function conflict(known: Registration, wanted: Registration): Error {
  const [owner, metric] = [known.options.name, wanted.options.name]
  return owner === metric
    ? metricsError('METRICS_NAME_TAKEN', { metric, known: known.shape, wanted: wanted.shape })
    : metricsError('METRICS_NAME_COLLIDES', { metric, sample: sharedName(known, wanted), owner })
}
