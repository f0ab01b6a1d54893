/** Request durations through accumulators found before: route → status → a row of buckets. */
import type { RequestHooks, Route } from '../../../core/plugin.ts'
import type { MetricFactory } from '../api.ts'
import type { HistogramFamily } from '../storage/histogram.ts'
import { bucketOf, durationBuckets } from './duration-buckets.ts'

export const requestDurationName = 'http_server_request_duration_seconds'

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
    name: requestDurationName,
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
