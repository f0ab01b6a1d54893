/** The request histogram under the name and labels of the original gateway. */
import type { Collector } from '../api.ts'
import type { HistogramFamily } from '../storage/histogram.ts'
import { durationBuckets } from './duration-buckets.ts'

/** Sums up, at each scrape, the counts that {@link HistogramFamily} keeps by status, at no cost for requests. */
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
