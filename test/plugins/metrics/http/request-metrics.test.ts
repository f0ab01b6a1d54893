import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  bucketOf,
  createRequestMetrics,
  durationBuckets,
  seedRequestDuration,
} from '../../../../plugins/metrics/http/request-metrics.ts'
import type { HistogramFamily } from '../../../../plugins/metrics/storage/histogram.ts'
import { MetricStore } from '../../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../../testing/test-clock.ts'

const route = (id: number, pattern: string, method = 'GET') => ({ id, method, pattern })

/** Count and sum of each series. */
const totals = (family: HistogramFamily) => {
  const out = new Float64Array(family.samples.length)
  return Object.fromEntries(
    [...family.all].map((series) => {
      family.read(series, out)
      return [series.values.join(' '), [out.at(-1), out.at(-2)]]
    }),
  )
}
const setUp = (maxSeries = 10) => {
  const store = new MetricStore(testClock())
  return { store, ...createRequestMetrics(store, maxSeries) }
}

describe('request metrics', () => {
  test('the bucket is the first one whose bound is not below the duration', () => {
    const searched = (ms: number) => {
      const found = durationBuckets.findIndex((bound) => ms / 1_000 <= bound)
      return found < 0 ? durationBuckets.length : found
    }
    for (const bound of durationBuckets) {
      for (const ms of [bound * 1_000, bound * 1_000 - 0.01, bound * 1_000 + 0.01])
        expect([ms, bucketOf(ms)]).toEqual([ms, searched(ms)])
    }
    fc.assert(fc.property(fc.double({ min: 0, max: 20_000, noNaN: true }), (ms) => bucketOf(ms) === searched(ms)))
  })

  test('durations are counted by method, route and status', () => {
    const { family, observe } = setUp()
    observe(route(3, '/a'), 200, 4, 0)
    observe(route(3, '/a'), 200, 6, 0)
    observe(route(3, '/a'), 404, 1, 0)
    observe(route(0, '/b', 'POST'), 200, 20_000, 0)
    observe(route(0, '/b', 'POST'), 999, 1_000, 0)
    expect(totals(family)).toEqual({
      'GET /a 200': [2, 0.01],
      'GET /a 404': [1, 0.001],
      'POST /b 200': [1, 20],
      'POST /b 999': [1, 1],
    })
  })

  test('what is over the limit is folded and stays in the sum', () => {
    const { family, observe } = setUp(2)
    for (let id = 0; id < 50; id += 1) observe(route(id, `/${id}`), 200, 1_000, 0)
    expect(totals(family)).toEqual({
      'GET /0 200': [1, 1],
      'GET /1 200': [1, 1],
      '__overflow__ __overflow__ __overflow__': [48, 48],
    })
  })

  test('after its series were removed it counts in new ones', () => {
    const { family, observe, store } = setUp()
    observe(route(0, '/a'), 200, 1, 0)
    family.remove({})
    store.histogram({ name: 'x_seconds', help: 'h', buckets: durationBuckets })
    observe(route(0, '/a'), 200, 1, 0)
    expect(totals(family)).toEqual({ 'GET /a 200': [1, 0.001] })
  })

  test('the name of the original gateway sums up over statuses, at each scrape anew', () => {
    const { family, observe, store } = setUp()
    const collect = seedRequestDuration(family).setup(store)
    for (let round = 1; round <= 2; round += 1) {
      observe(route(0, '/a'), 200, 1_000, 0)
      observe(route(0, '/a'), 500, 2_000, 0)
      void collect()
      const seed = store.family('arkrelay_request_duration_seconds') as HistogramFamily
      expect(totals(seed)).toEqual({ '/a GET': [2 * round, 3 * round] })
    }
  })
})
