/** Types and tokens of metrics for other plugins and embedders. */
import { extensionPoint, service } from '../../core/plugin.ts'

export interface MetricOptions<Label extends string = string> {
  /** Prometheus name with its unit: `_seconds`, `_bytes`, `_ratio`; counters end in `_total`. As promtool demands. */
  readonly name: string
  readonly help: string
  /** @default none */
  readonly labels?: readonly Label[]
  /** Most series of the metric; label sets beyond are added to the series `__overflow__`. @default 1_000 */
  readonly maxSeries?: number
  /**
   * Whether counting began when the series was made, which OpenMetrics then shows as `_created`. False for totals of
   * another source that began at an unknown time, such as the kernel. @default true
   */
  readonly hasCreated?: boolean
}

export interface HistogramOptions<Label extends string = string> extends MetricOptions<Label> {
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[]
}

export interface SummaryOptions<Label extends string = string> extends MetricOptions<Label> {
  /** 0-1. @default [0.5, 0.9, 0.99] */
  readonly quantiles?: readonly number[]
  /** Width of the sliding window in milliseconds. @default 600_000 */
  readonly windowMs?: number
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>

/**
 * Labels that point from a sample to one case, `{ trace_id }`: OpenMetrics shows the newest of each bucket or counter.
 * Names and values together have at most 128 characters.
 */
export type Exemplar = Readonly<Record<string, string>>

/** One series of a counter. */
export interface CounterHandle {
  /** @param by not negative @default 1 */
  inc(by?: number, exemplar?: Exemplar): void
}
export interface GaugeHandle {
  set(value: number): void
  add(by: number): void
}
export interface ObserverHandle {
  observe(value: number): void
}
export interface BucketHandle {
  observe(value: number, exemplar?: Exemplar): void
}

/** A family: values by labels, or a handle on one series, which is faster. */
export interface Family<Label extends string, Handle> {
  readonly name: string
  /** Finds or makes the series. */
  labels(labels: Labels<Label>): Handle
  /** Removes the series whose labels include the given ones; every series for `{}`. @throws METRICS_LABELS_INVALID */
  remove(labels: Partial<Labels<Label>>): void
}
export type Counter<Label extends string = string> = Family<Label, CounterHandle> & {
  inc(labels: Labels<Label>, by?: number, exemplar?: Exemplar): void
}
export type Gauge<Label extends string = string> = Family<Label, GaugeHandle> & {
  set(labels: Labels<Label>, value: number): void
}
export type Histogram<Label extends string = string> = Family<Label, BucketHandle> & {
  observe(labels: Labels<Label>, value: number, exemplar?: Exemplar): void
}
export type Summary<Label extends string = string> = Family<Label, ObserverHandle> & {
  observe(labels: Labels<Label>, value: number): void
}

/** Makes families. The same name and shape give the same family; another shape throws METRICS_NAME_TAKEN. */
export interface MetricFactory {
  counter<const Label extends string = never>(options: MetricOptions<Label>): Counter<Label>
  gauge<const Label extends string = never>(options: MetricOptions<Label>): Gauge<Label>
  histogram<const Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>
  summary<const Label extends string = never>(options: SummaryOptions<Label>): Summary<Label>
  /** Counters and gauges whose values a source keeps; one callback sets them together. */
  batch(): BatchObservation
}

export interface ObservedOptions<Label extends string = string> extends MetricOptions<Label> {
  /** Whether other batches set series of this family too; a batch removes only its own. @default false */
  readonly shared?: boolean
  /** A total that falls by at most this much keeps its value; a greater fall is a reset. @default 0 */
  readonly tolerance?: number
  /**
   * What counts from zero, such as an instance of a plugin: the counter adds what the source counts to what was there,
   * and so continues in a successor. Without it, the counter shows the total, which lives longer than the instance.
   */
  readonly source?: object
  /** @default false without `source`: since when a source has counted is not known */
  readonly hasCreated?: boolean
}

/**
 * One family of a batch: a gauge takes the value, a counter the total. Undefined, NaN and infinite values
 * are ignored.
 * @throws METRICS_VALUE_INVALID for any other value and for a negative total, METRICS_NOT_OBSERVING outside `observe`
 */
export type ObservedFamily<Label extends string> = [Label] extends [never]
  ? { set(value: number | bigint | undefined): void }
  : { set(value: number | bigint | undefined, labels: Labels<Label>): void }

/** Counters and gauges that one callback sets together, from a source that keeps the values itself. */
export interface BatchObservation {
  /** A counter appears with its first total. @param read gives the total, for a counter without labels */
  counter<const Label extends string = never>(
    options: ObservedOptions<Label>,
    read?: () => number | bigint | undefined,
  ): ObservedFamily<Label>
  /** A gauge appears with its first value. @param read gives the value, for a gauge without labels */
  gauge<const Label extends string = never>(
    options: ObservedOptions<Label>,
    read?: () => number | bigint | undefined,
  ): ObservedFamily<Label>
  /**
   * Calls every `read`, then `callback`, which sets all other values that the source has now. Afterwards the families
   * change together, and label sets that were not set are removed. A callback that throws changes nothing.
   * @throws METRICS_ASYNC for a callback that returns a promise, whose values would come too late
   */
  observe<Result>(this: void, callback?: () => Result & (Result extends PromiseLike<unknown> ? never : unknown)): void
}

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

/** One sample as exposed: `name` with its suffix (`_bucket`, `_sum`), labels with `le` or `quantile`. */
export type SeriesVisitor = (
  family: { name: string; type: MetricType; help: string },
  name: string,
  labels: Readonly<Record<string, string>>,
  value: number,
) => void

/** One sample of a series under the id of a reader: a histogram has one for each bucket, `_sum` and `_count`. */
export interface ReaderSeries {
  /** The same until `removed` is called with it; another sample may take the id afterwards. */
  readonly id: number
  readonly family: { readonly name: string; readonly type: MetricType; readonly help: string }
  /** With its suffix, as exposed. */
  readonly name: string
  /** With `le` or `quantile`. */
  readonly labels: Readonly<Record<string, string>>
}

/** Called during `collect`, removals first. */
export interface ReaderCallbacks {
  added(series: ReaderSeries): void
  removed(id: number): void
}

/** Copies the current values of all series. Costs nothing between collections. */
export interface SeriesReader {
  /** The greatest id so far plus one: how many values `copyTo` writes. */
  readonly size: number
  /** Samples that got no id in the last collection: a reader gives 1,000,000. */
  readonly omitted: number
  /** Runs the collectors, then reports what was removed and added, in blocks of at most 5 ms. */
  collect(): Promise<void>
  /**
   * Copies the values of all ids in one pass, NaN for an unused id; a target shorter than `size` takes the first
   * ones. Series newer than the last `collect` are not copied; summaries and prom-client metrics have the values that
   * `collect` read.
   */
  copyTo(target: Float64Array): void
  /** The value now. @returns undefined for an id that is not in use */
  read(id: number): number | undefined
  /** Ends the callbacks and forgets all ids. */
  close(): void
}

/** Each holder has its own: its metrics end with the instance that registered them. */
export interface Metrics extends MetricFactory {
  /**
   * Opens a reader. An id stays the same over scrapes, reloads and a replacement of the plugin, until `removed` is
   * called with the id. `collect`, `visit` and `expose` reject with METRICS_STOPPED while metrics does not run.
   */
  reader(callbacks: ReaderCallbacks): SeriesReader
  /** Calls `visit` for each sample, in blocks of at most 5 ms. */
  visit(visit: SeriesVisitor): Promise<void>
  /** The exposition as text. */
  expose(format?: 'prometheus' | 'openmetrics'): Promise<string>
  /** A prom-client registry of the instance that holds the service, or of the application. Exposed with our metrics. */
  readonly registry: unknown
}
export const Metrics = service<Metrics>('metrics')

/** A source of values that metrics reads. A contribution makes no edge in the graph, as a service in `needs` would. */
export interface Collector {
  /** `plugin` or `plugin.part`. */
  readonly name: string
  /** Period in milliseconds. Without it `collect` runs at each scrape and must be synchronous and cheap. */
  readonly everyMs?: number
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number
  /** Registers the families, which go when the contribution goes. @returns reads the source and sets the values */
  setup(metrics: MetricFactory): () => void | Promise<void>
}
/** The answer of the metrics path to a client that accepts JSON: the latest system metrics. The newest answers. */
export interface JsonView {
  render(): Promise<unknown>
}
export const jsonView = extensionPoint<JsonView>('metrics.jsonView', { shape: { render: 'function' } })

export const collector = extensionPoint<Collector>('metrics.collector', {
  shape: { name: 'text', everyMs: 'period?', timeoutMs: 'period?', setup: 'function' },
  nameOf: ({ name }) => name,
})
