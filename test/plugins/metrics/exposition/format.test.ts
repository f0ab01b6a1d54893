import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import parse from 'parse-prometheus-text-format'
import { openMetricsFloat, prometheusNumber } from '../../../../plugins/metrics/exposition/notation.ts'
import { createPace } from '../../../../plugins/metrics/exposition/pace.ts'
import { type ExposedSource, visitAll, writeText } from '../../../../plugins/metrics/exposition/write.ts'
import type { ForeignFamily } from '../../../../plugins/metrics/prom-registry.ts'
import { MetricStore } from '../../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../../testing/test-clock.ts'

const clock = testClock()
const sourceOf = (store: MetricStore, more: Partial<ExposedSource> = {}): ExposedSource => ({
  families: () => store.families(),
  foreign: [],
  common: {},
  created: false,
  ...more,
})
async function text(source: ExposedSource, format: 'prometheus' | 'openmetrics' = 'prometheus') {
  let all = ''
  await writeText(source, format, createPace(clock), (piece) => {
    all += piece
  })
  return all
}

describe('exposition', () => {
  test('text 0.0.4 has help, type and samples of every kind', async () => {
    const store = new MetricStore(clock)
    store.counter({ name: 'a_total', help: 'Back\\slash,\nnew line, "quote".', labels: ['l'] }).inc({ l: 'x' }, 2)
    store.gauge({ name: 'b_bytes', help: 'B.' }).set({}, -1.5)
    const histogram = store.histogram({ name: 'c_seconds', help: 'C.', labels: ['l'], buckets: [0.5, 1] })
    for (const value of [0.1, 1, 7]) histogram.observe({ l: 'x' }, value)
    store.summary({ name: 'd_seconds', help: 'D.', quantiles: [0.5, 1] })
    expect(await text(sourceOf(store))).toBe(
      [
        '# HELP a_total Back\\\\slash,\\nnew line, "quote".\n# TYPE a_total counter\na_total{l="x"} 2',
        '# HELP b_bytes B.\n# TYPE b_bytes gauge\nb_bytes -1.5',
        '# HELP c_seconds C.\n# TYPE c_seconds histogram\nc_seconds_bucket{l="x",le="0.5"} 1',
        'c_seconds_bucket{l="x",le="1"} 2\nc_seconds_bucket{l="x",le="+Inf"} 3',
        'c_seconds_sum{l="x"} 8.1\nc_seconds_count{l="x"} 3',
        '# HELP d_seconds D.\n# TYPE d_seconds summary\nd_seconds{quantile="0.5"} NaN\nd_seconds{quantile="1"} NaN',
        'd_seconds_sum 0\nd_seconds_count 0\n',
      ].join('\n'),
    )
  })

  test('OpenMetrics names the family without _total, declares units, writes bounds as floats, and ends', async () => {
    const store = new MetricStore(clock)
    store.counter({ name: 'a_seconds_total', help: 'A "q".' }).inc({}, 2)
    store.histogram({ name: 'c_bytes', help: 'C.', buckets: [1, 1e6] }).observe({}, 3)
    expect(await text(sourceOf(store), 'openmetrics')).toBe(
      [
        '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds A \\"q\\".\na_seconds_total 2',
        '# TYPE c_bytes histogram\n# UNIT c_bytes bytes\n# HELP c_bytes C.\nc_bytes_bucket{le="1.0"} 0',
        'c_bytes_bucket{le="1e+06"} 1\nc_bytes_bucket{le="+Inf"} 1\nc_bytes_sum 3\nc_bytes_count 1\n# EOF\n',
      ].join('\n'),
    )
  })

  test('OpenMetrics says since when a series counts, but for gauges and for what others have counted', async () => {
    const store = new MetricStore(clock)
    store.counter({ name: 'a_total', help: 'A.', labels: ['l'] }).inc({ l: 'x' })
    store.gauge({ name: 'b', help: 'B.' }).set({}, 1)
    store.counter({ name: 'kernel_total', help: 'K.', hasCreated: false })
    await clock.advance(1_500)
    store.histogram({ name: 'c_seconds', help: 'C.', buckets: [1] })
    store.summary({ name: 'd_seconds', help: 'D.', quantiles: [0.5] })
    const written = await text(sourceOf(store, { created: true, common: { zone: 'z' } }), 'openmetrics')
    const atBegin = ((clock.now() - 1_500) / 1_000).toFixed(3)
    const later = (clock.now() / 1_000).toFixed(3)
    expect(written.match(/^\w+_created.*$/gm)).toEqual([
      `a_created{zone="z",l="x"} ${atBegin}`,
      `c_seconds_created{zone="z"} ${later}`,
      `d_seconds_created{zone="z"} ${later}`,
    ])
    expect(await text(sourceOf(store, { created: true }))).not.toContain('_created')
  })

  test('OpenMetrics shows the newest exemplar of a counter and of each bucket, text 0.0.4 none', async () => {
    const store = new MetricStore(clock)
    const at = (clock.now() / 1_000).toFixed(3)
    const counter = store.counter({ name: 'a_total', help: 'A.', labels: ['l'] })
    counter.inc({ l: 'x' }, 2, { trace_id: 'first' })
    counter.inc({ l: 'x' }, 3, { trace_id: 'a"b' })
    counter.inc({ l: 'x' })
    const histogram = store.histogram({ name: 'c_seconds', help: 'C.', buckets: [0.5, 1] })
    histogram.observe({}, 0.7, { trace_id: 'slow', span_id: '1' })
    histogram.labels({}).observe(9, {})
    const written = await text(sourceOf(store), 'openmetrics')
    expect(written).toContain(`a_total{l="x"} 6 # {trace_id="a\\"b"} 3 ${at}\n`)
    expect(written).toContain('c_seconds_bucket{le="0.5"} 0\n')
    expect(written).toContain(`c_seconds_bucket{le="1.0"} 1 # {trace_id="slow",span_id="1"} 0.7 ${at}\n`)
    expect(written).toContain(`c_seconds_bucket{le="+Inf"} 2 # {} 9 ${at}\n`)
    expect(await text(sourceOf(store))).not.toContain('trace_id')
  })

  test('an exemplar has at most 128 characters, names counted, and label names; a refused one counts nothing', async () => {
    const store = new MetricStore(clock)
    const counter = store.counter({ name: 'a_total', help: 'A.' }).labels({})
    counter.inc(1, { trace_id: '😀'.repeat(120) })
    const refused: Record<string, string>[] = [
      { trace_id: 'x'.repeat(121) },
      { 'trace-id': 'x' },
      { a: 'x'.repeat(1_000_000) },
    ]
    for (const exemplar of refused) {
      expect(() => counter.inc(1, exemplar)).toThrow(expect.objectContaining({ code: 'METRICS_EXEMPLAR_INVALID' }))
    }
    const histogram = store.histogram({ name: 'c_seconds', help: 'C.', buckets: [1] }).labels({})
    expect(() => histogram.observe(1, { n: 5 as never })).toThrow(
      expect.objectContaining({ code: 'METRICS_EXEMPLAR_INVALID' }),
    )
    const written = await text(sourceOf(store), 'openmetrics')
    expect(written).toContain('a_total 1 # ')
    expect(written).toContain('c_seconds_count 0\n')
  })

  test('OpenMetrics leaves out sum and count beside negative bounds', async () => {
    const store = new MetricStore(clock)
    store.histogram({ name: 'c_celsius', help: 'C.', buckets: [-1, 1] }).observe({}, -3)
    expect(await text(sourceOf(store), 'openmetrics')).not.toMatch(/_(sum|count)/)
    expect(await text(sourceOf(store))).toContain('c_celsius_sum -3\n')
  })

  test('label values with anything in them come back from an independent parser', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\\', '"', '\n', '{', '}', ',', '=', 'n', ' ') }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(value, fc.float({ noNaN: true })), { selector: ([label]) => label.toWellFormed() }),
        async (wanted) => {
          const store = new MetricStore(clock)
          const gauge = store.gauge({ name: 'a', help: 'h', labels: ['l'] })
          for (const [label, number] of wanted) gauge.set({ l: label }, number)
          const parsed = parse(await text(sourceOf(store))).find(({ name }) => name === 'a')
          const seen = (parsed?.metrics ?? []).map(({ labels, value }) => [
            labels?.l ?? '',
            Number(value?.replace('Inf', 'Infinity')),
          ])
          expect(seen).toEqual(wanted.map(([label, number]) => [label.toWellFormed(), number + 0]))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('common labels are on every sample, a label of the metric goes first', async () => {
    const store = new MetricStore(clock)
    store.gauge({ name: 'a', help: 'h', labels: ['env'] }).set({ env: 'own' }, 1)
    store.gauge({ name: 'b', help: 'h' }).set({}, 1)
    const written = await text(sourceOf(store, { common: { env: 'prod', zone: 'z' } }))
    expect(written).toContain('a{zone="z",env="own"} 1\n')
    expect(written).toContain('b{env="prod",zone="z"} 1\n')
  })

  test('metrics of another registry are written in both formats', async () => {
    const foreign: ForeignFamily[] = [
      { name: 'jobs', type: 'counter', help: 'h', samples: [{ name: 'jobs', labels: { l: 'a"b' }, value: 2 }] },
      { name: 'h', type: 'histogram', help: 'h', samples: [{ name: 'h_bucket', labels: { le: '1' }, value: 0 }] },
    ]
    const source = sourceOf(new MetricStore(clock), { foreign })
    expect(await text(source)).toBe(
      '# HELP jobs h\n# TYPE jobs counter\njobs{l="a\\"b"} 2\n# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 0\n',
    )
    expect(await text(source, 'openmetrics')).toContain('jobs_total{l="a\\"b"} 2\n')
    expect(await text(source, 'openmetrics')).toContain('h_bucket{le="1.0"} 0\n')
  })

  test('a visitor sees each sample with the same label objects each time', async () => {
    const store = new MetricStore(clock)
    store.histogram({ name: 'c_seconds', help: 'C.', labels: ['l'], buckets: [1] }).observe({ l: 'x' }, 3)
    const rounds: unknown[][][] = [[], []]
    const source = sourceOf(store)
    for (const round of rounds) {
      await visitAll(source, createPace(clock), ({ name, type }, sample, labels, value) => {
        round.push([name, type, sample, labels, value])
      })
    }
    expect(rounds[0]!.slice(0, 4) as unknown).toEqual([
      ['c_seconds', 'histogram', 'c_seconds_bucket', { l: 'x', le: '1' }, 0],
      ['c_seconds', 'histogram', 'c_seconds_bucket', { l: 'x', le: '+Inf' }, 1],
      ['c_seconds', 'histogram', 'c_seconds_sum', { l: 'x' }, 3],
      ['c_seconds', 'histogram', 'c_seconds_count', { l: 'x' }, 1],
    ])
    for (const [index, sample] of rounds[0]!.entries()) expect(rounds[1]![index]![3]).toBe(sample[3])
  })

  test('work gives way each time its block is over', async () => {
    let nowMs = 0
    const store = new MetricStore(clock)
    const gauge = store.gauge({ name: 'a', help: 'h', labels: ['l'] })
    for (let index = 0; index < 1_000; index += 1) gauge.set({ l: `${'x'.repeat(100)}${index}` }, index)
    let rests = 0
    const pieces: string[] = []
    const pace = createPace({
      monotonic() {
        nowMs += 0.5
        return nowMs
      },
    })
    const counted = {
      due: pace.due,
      rest() {
        rests += 1
        return pace.rest()
      },
    }
    await writeText(sourceOf(store), 'prometheus', counted, (piece) => pieces.push(piece))
    expect(rests).toBeGreaterThan(10)
    expect(pieces.length).toBeGreaterThan(1)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000)
    expect(pieces.join('').split('\n').length).toBe(1_000 + 2 + 1)
  })

  test.each([
    [0, '0', '0.0'],
    [1, '1', '1.0'],
    [0.005, '0.005', '0.005'],
    [1e6, '1000000', '1e+06'],
    [1234567.5, '1234567.5', '1.2345675e+06'],
    [0.00001, '0.00001', '1e-05'],
    [-2, '-2', '-2.0'],
    [Number.POSITIVE_INFINITY, '+Inf', '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf', '-Inf'],
    [Number.NaN, 'NaN', 'NaN'],
  ])('%d is written as %s, as a bound in OpenMetrics as %s', (value, plain, float) => {
    expect([prometheusNumber(value), openMetricsFloat(value)]).toEqual([plain, float])
  })
})
