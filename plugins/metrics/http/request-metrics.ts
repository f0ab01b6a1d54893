/** Request durations through accumulators found before: route → status → a row of buckets. */
import type { RequestHooks, Route } from '../../../core/plugin.ts'
import type { Collector, MetricFactory } from '../api.ts'
import type { HistogramFamily } from '../storage/histogram.ts'

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

const statuses = 600
const sumAt = durationBuckets.length + 1

/**
 * @param maxSeries of method, route and status
 * @returns the family and the hook; the hook allocates nothing once a route has answered with a status
 */
export function createRequestMetrics(
  metrics: MetricFactory,
  maxSeries: number,
): { readonly family: HistogramFamily; readonly observe: NonNullable<RequestHooks['observe']> } {
  const family = metrics.histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of HTTP requests until the head of the response, by method, route template and status.',
    labels: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: durationBuckets,
    maxSeries,
  }) as unknown as HistogramFamily
  const { slots } = family
  /** By route id: by status the offset of its row, 0 for none yet. */
  let offsets: Int32Array[] = []
  family.onRemove = () => {
    offsets = []
  }

  const resolve = ({ id, method, pattern }: Route, status: number): number => {
    const { offset } = family.labels({
      http_request_method: method,
      http_route: pattern,
      http_response_status_code: String(status),
    })
    while (offsets.length <= id) offsets.push(new Int32Array(0))
    if (offsets[id]!.length === 0) offsets[id] = new Int32Array(statuses)
    if (status >= 0 && status < statuses) offsets[id]![status] = offset
    return offset
  }

  const observe = (route: Route, status: number, durationMs: number): void => {
    const byStatus = offsets[route.id]
    let offset = byStatus === undefined ? 0 : byStatus[status]!
    if (!(offset > 0)) offset = resolve(route, status)
    const { values } = slots
    values[offset + bucketOf(durationMs)]! += 1
    values[offset + sumAt]! += durationMs * 0.001
  }
  return { family, observe }
}

/**
 * The request histogram under the name and labels of the original gateway: sums up, at each scrape, the counts that
 * `source` keeps by status, at no cost for requests.
 */
export const seedRequestDuration = (source: HistogramFamily): Collector => ({
  name: 'metrics.compatibility',
  setup(metrics) {
    const target = metrics.histogram({
      name: 'arkrelay_request_duration_seconds',
      help: 'Duration of HTTP requests by endpoint and method.',
      labels: ['endpoint', 'method'],
      buckets: durationBuckets,
      maxSeries: source.maxSeries,
    }) as unknown as HistogramFamily
    return () => {
      for (const { offset } of target.all) target.slots.values.fill(0, offset, offset + target.slots.stride)
      for (const {
        offset,
        values: [method, endpoint],
      } of source.all) {
        const series = target.labels({ endpoint: endpoint!, method: method! })
        for (let index = 0; index < source.slots.stride; index += 1) {
          target.slots.values[series.offset + index]! += source.slots.values[offset + index]!
        }
      }
    }
  },
})
