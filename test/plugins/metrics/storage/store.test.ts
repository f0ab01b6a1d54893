import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { MetricOptions } from '../../../../plugins/metrics/api.ts'
import { overflowValue, type SeriesBase, type StoredFamily } from '../../../../plugins/metrics/storage/family.ts'
import { MetricStore, maxFamilies } from '../../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../../testing/test-clock.ts'

const store = () => new MetricStore(testClock())
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}

/** Each series' labels and its samples. */
function contents(family: unknown): Map<string, number[]> {
  const stored = family as StoredFamily<SeriesBase>
  const out = new Float64Array(stored.samples.length)
  return new Map(
    [...stored.all].map((series) => {
      stored.read(series, out)
      return [series.values.join(), [...out]]
    }),
  )
}

describe('metric store', () => {
  const label = fc.constantFrom('a', 'b', 'c', '')
  const command = fc.oneof(
    fc.record({ do: fc.constant('inc' as const), a: label, b: label, by: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ do: fc.constant('observe' as const), a: label, b: label, by: fc.integer({ min: -2, max: 9 }) }),
    fc.record({ do: fc.constant('stale' as const), a: label, b: label, by: fc.constant(5) }),
    fc.record({
      do: fc.constant('remove' as const),
      a: fc.option(label, { nil: undefined }),
      b: fc.option(label, { nil: undefined }),
      by: fc.constant(0),
    }),
  )

  test('counters and histograms hold what a plain Map would, over removals and stale handles', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const metrics = store()
        const labels = ['a', 'b'] as const
        const counter = metrics.counter({ name: 'x_total', help: 'h', labels })
        const histogram = metrics.histogram({ name: 'x_seconds', help: 'h', labels, buckets: [1, 5] })
        const counted = new Map<string, number>()
        const observed = new Map<string, number[]>()
        for (const one of commands) {
          if (one.do === 'remove') {
            const some = { ...(one.a !== undefined && { a: one.a }), ...(one.b !== undefined && { b: one.b }) }
            counter.remove(some)
            histogram.remove(some)
            for (const map of [counted, observed]) {
              for (const key of [...map.keys()]) {
                const [a, b] = key.split(',')
                if ((one.a === undefined || one.a === a) && (one.b === undefined || one.b === b)) map.delete(key)
              }
            }
            continue
          }
          const key = `${one.a},${one.b}`
          const given = { a: one.a, b: one.b }
          if (one.do === 'inc') {
            counter.inc(given, one.by)
            counted.set(key, (counted.get(key) ?? 0) + one.by)
          } else if (one.do === 'observe') {
            histogram.observe(given, one.by)
            observed.set(key, [...(observed.get(key) ?? []), one.by])
          } else {
            const handle = counter.labels(given)
            counter.remove(given)
            handle.inc(one.by)
            counted.delete(key)
          }
        }
        expect(contents(counter)).toEqual(new Map([...counted].map(([key, value]) => [key, [value]])))
        const cumulated = (values: readonly number[]) => [
          values.filter((value) => value <= 1).length,
          values.filter((value) => value <= 5).length,
          values.length,
          values.reduce((sum, value) => sum + value, 0),
          values.length,
        ]
        expect(contents(histogram)).toEqual(new Map([...observed].map(([key, values]) => [key, cumulated(values)])))
      }),
      { numRuns: 150 },
    )
  })

  test.each([0, 1, 2, 3, 4, 6])('%d labels find the same series each time', (count) => {
    const labels = Array.from({ length: count }, (_, index) => `l${index}`)
    const family = store().counter({ name: 'x_total', help: 'h', labels } as MetricOptions<string>)
    for (let round = 0; round < 3; round += 1) {
      for (const value of ['a', 'b']) family.inc(Object.fromEntries(labels.map((name) => [name, value])))
    }
    expect([...contents(family).values()].flat()).toEqual(count === 0 ? [6] : [3, 3])
  })

  test('100,000 random sets of labels stay within the limit, and the sum stays exact', () => {
    const metrics = store()
    const family = metrics.counter({ name: 'x_total', help: 'h', labels: ['a', 'b'] })
    const histogram = metrics.histogram({ name: 'x_seconds', help: 'h', labels: ['a'], buckets: [1] })
    const seed = Number(process.env.ARKWATCH_TEST_SEED ?? 1)
    for (let index = 0; index < 100_000; index += 1) {
      // Spread over 32 bits and all different: a repeated one would land in its own series and not in the overflow.
      const random = (Math.imul(index, 2_654_435_761) + seed) >>> 0
      family.inc({ a: `a${random % 1_000}`, b: `b${random}` }, 2)
      histogram.observe({ a: `${random}` }, 3)
    }
    const values = contents(family)
    expect(values.size).toBe(1_001)
    expect([...values.values()].reduce((sum, [value]) => sum + value!, 0)).toBe(200_000)
    expect(values.get(`${overflowValue},${overflowValue}`)![0]).toBe(200_000 - 2 * 1_000)
    const all = [...contents(histogram).values()]
    expect([all.reduce((sum, one) => sum + one[2]!, 0), all.reduce((sum, one) => sum + one[3]!, 0)]).toEqual([
      300_000, 100_000,
    ])
    const folded = contents(metrics.family('arkwatch_metrics_overflow_total')).get('x_total')![0]!
    expect(folded).toBe(100_000 - 1_000)
  })

  test('a removed series makes room for another one', () => {
    const family = store().counter({ name: 'x_total', help: 'h', labels: ['a'], maxSeries: 1 })
    family.inc({ a: '1' })
    family.inc({ a: '2' })
    family.remove({ a: '1' })
    family.inc({ a: '3' })
    expect(contents(family)).toEqual(
      new Map([
        [overflowValue, [1]],
        ['3', [1]],
      ]),
    )
  })

  test.each<[string, unknown, string]>([
    ['an undefined value', { a: undefined }, 'a without a value'],
    ['null', { a: 'x', b: null }, 'a, b without a value'],
    ['an unknown label', { c: 'x' }, 'c'],
    ['nothing', undefined, 'undefined'],
  ])('a removal is refused for %s, and removes nothing', (_, labels, got) => {
    const counter = store().counter({ name: 'x_total', help: 'h', labels: ['a', 'b'] })
    counter.inc({ a: 'x', b: 'y' })
    expect(() => counter.remove(labels as never)).toThrow(`metric x_total takes the labels [a, b], got [${got}]`)
    expect([...contents(counter)]).toEqual([['x,y', [1]]])
  })

  test('label values that are exposed as one text are one series: halves of characters', () => {
    const counter = store().counter({ name: 'x_total', help: 'h', labels: ['a'] })
    const cut = `${'.'.repeat(1_023)}😀`
    for (const a of ['z\ud83d', 'z\ud83e', 'z\ufffd', '😀', cut, `${cut}!`]) counter.inc({ a })
    expect([...contents(counter)]).toEqual([
      ['z\ufffd', [3]],
      ['😀', [1]],
      [`${'.'.repeat(1_023)}\ufffd`, [2]],
    ])
  })

  test('label values longer than the limit are cut', () => {
    const family = store().counter({ name: 'x_total', help: 'h', labels: ['a'] })
    family.inc({ a: 'x'.repeat(5_000) })
    family.inc({ a: 'x'.repeat(6_000) })
    expect([...contents(family).values()]).toEqual([[2]])
  })

  test('what is not a number is refused by every call, and counts nothing', () => {
    const metrics = store()
    const counter = metrics.counter({ name: 'x_total', help: 'h' })
    const gauge = metrics.gauge({ name: 'z', help: 'h' })
    const histogram = metrics.histogram({ name: 'x_seconds', help: 'h', buckets: [1] })
    const summary = metrics.summary({ name: 'y_seconds', help: 'h' })
    counter.inc({}, 10)
    gauge.set({}, 10)
    for (const family of [histogram, summary]) family.observe({}, 10)
    const all = () => [counter, gauge, histogram, summary].map((family) => [...contents(family).values()])
    const before = all()
    for (const value of ['5', 5n, null, true, {}, [5], new Date(5)] as unknown as number[]) {
      for (const call of [
        () => counter.inc({}, value),
        () => gauge.set({}, value),
        () => gauge.labels({}).add(value),
        () => histogram.observe({}, value),
        () => summary.observe({}, value),
      ])
        expect(code(call)).toBe('METRICS_VALUE_INVALID')
    }
    expect(all()).toEqual(before)
  })

  test('one absurd value leaves sums finite, and they go on from the next values', () => {
    const metrics = store()
    const counter = metrics.counter({ name: 'x_total', help: 'h' })
    const histogram = metrics.histogram({ name: 'x_seconds', help: 'h', buckets: [1] })
    const summary = metrics.summary({ name: 'y_seconds', help: 'h' })
    const adds = [
      (by: number) => counter.inc({}, by),
      ...[histogram, summary].map((each) => (by: number) => each.observe({}, by)),
    ]
    const sums = () =>
      [counter, histogram, summary].map((family) => [...contents(family).values()][0]!.at(family === counter ? -1 : -2))
    fc.assert(
      fc.property(
        fc.constantFrom(1e308, Number.MAX_VALUE, 1e30),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (absurd, more) => {
          for (const add of adds) for (const by of [absurd, absurd, ...more]) add(by)
          const sum = more.reduce((total, by) => total + by, 0)
          expect(sums()).toEqual([sum, sum, sum])
        },
      ),
    )
  })

  test('a counter refuses what is negative or no finite number', () => {
    const family = store().counter({ name: 'x_total', help: 'h' })
    for (const by of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(code(() => family.inc({}, by))).toBe('METRICS_VALUE_INVALID')
      expect(code(() => family.labels({}).inc(by))).toBe('METRICS_VALUE_INVALID')
    }
    expect(contents(family)).toEqual(new Map([['', [0]]]))
  })

  test('histograms and summaries refuse what is no finite number, gauges take every number', () => {
    const metrics = store()
    const histogram = metrics.histogram({ name: 'x_seconds', help: 'h', buckets: [1] })
    const summary = metrics.summary({ name: 'y_seconds', help: 'h' })
    expect(code(() => histogram.observe({}, Number.NaN))).toBe('METRICS_VALUE_INVALID')
    expect(code(() => summary.observe({}, Number.NEGATIVE_INFINITY))).toBe('METRICS_VALUE_INVALID')
    const gauge = metrics.gauge({ name: 'z', help: 'h' })
    gauge.set({}, Number.NaN)
    expect(contents(gauge)).toEqual(new Map([['', [Number.NaN]]]))
  })

  const wrong = [
    [{}],
    [{ a: '1', b: '2', c: '3' }],
    [{ a: '1', c: '2' }],
    [{ a: undefined, b: '2' }],
    [{ a: null, b: '2' }],
    [Object.create({ a: '1', b: '2' })],
    [null],
    [undefined],
    ['ab'],
    [7],
  ]
  test.each(wrong)('labels %p are refused, also where the series of each text in them is known', (labels) => {
    for (const names of [[], ['a'], ['a', 'b'], ['a', 'b', 'd'], ['a', 'b', 'd', 'e']]) {
      if (labels !== null && typeof labels === 'object' && Object.keys(labels).length === names.length) {
        if (names.every((name) => (labels[name] ?? null) !== null)) continue
      }
      const metrics = store()
      const family = metrics.gauge({ name: 'x', help: 'h', labels: names })
      const batch = metrics.batch()
      const observed = batch.gauge({ name: 'y', help: 'h', labels: names })
      const refused = () => [
        code(() => family.set(labels as never, 1)),
        code(() => batch.observe(() => observed.set(1, labels as never))),
      ]
      const fresh = refused()
      for (const value of ['1', '2', 'undefined', 'null', '']) {
        const known = Object.fromEntries(names.map((name) => [name, name === 'a' ? value : '2']))
        family.set(known as never, 5)
        batch.observe(() => observed.set(5, known as never))
      }
      const absent = labels === undefined && names.length === 0
      expect([names, fresh]).toEqual([names, ['METRICS_LABELS_INVALID', absent ? 'none' : 'METRICS_LABELS_INVALID']])
      expect([names, refused()]).toEqual([names, fresh])
      expect([...contents(family).values()].flat().every((value) => value === 5)).toBe(true)
    }
  })

  test('the same name with the same shape is the same family, with another shape it is refused', () => {
    const metrics = store()
    const family = metrics.histogram({ name: 'x_seconds', help: 'h', labels: ['a'], buckets: [1, 2] })
    expect(metrics.histogram({ name: 'x_seconds', help: 'other', labels: ['a'], buckets: [1, 2] })).toBe(family)
    for (const other of [
      () => metrics.histogram({ name: 'x_seconds', help: 'h', labels: ['a'], buckets: [1, 3] }),
      () => metrics.histogram({ name: 'x_seconds', help: 'h', labels: ['b'], buckets: [1, 2] }),
      () => metrics.gauge({ name: 'x_seconds', help: 'h', labels: ['a'] }),
    ]) {
      expect(code(other)).toBe('METRICS_NAME_TAKEN')
    }
  })

  test('names that another metric makes are refused', () => {
    const metrics = store()
    metrics.counter({ name: 'x_total', help: 'h' })
    metrics.summary({ name: 'y', help: 'h' })
    expect(code(() => metrics.gauge({ name: 'x', help: 'h' }))).toBe('METRICS_NAME_COLLIDES')
    expect(code(() => metrics.gauge({ name: 'y_created', help: 'h' }))).toBe('METRICS_NAME_COLLIDES')
    expect(code(() => metrics.gauge({ name: 'z_ms', help: 'h' }))).toBe('METRICS_NAME_INVALID')
    metrics.drop(metrics.entry('x_total')!)
    metrics.gauge({ name: 'x', help: 'h' })
  })

  test('buckets and quantiles are checked', () => {
    const metrics = store()
    for (const buckets of [
      [],
      [2, 1],
      [1, 1],
      [1, Number.POSITIVE_INFINITY],
      Array.from({ length: 201 }, (_, i) => i),
    ]) {
      expect(code(() => metrics.histogram({ name: 'x_seconds', help: 'h', buckets }))).toBe('METRICS_BUCKETS_INVALID')
    }
    for (const shape of [{ quantiles: [] }, { quantiles: [1.1] }, { quantiles: [0.5, 0.5] }, { windowMs: 1 }]) {
      expect(code(() => metrics.summary({ name: 'x_seconds', help: 'h', ...shape }))).toBe('METRICS_QUANTILES_INVALID')
    }
  })

  test('the number of metrics is limited', () => {
    const metrics = store()
    for (let index = 1; index < maxFamilies; index += 1) metrics.gauge({ name: `x${index}`, help: 'h' })
    expect(code(() => metrics.gauge({ name: 'one_more', help: 'h' }))).toBe('METRICS_TOO_MANY')
  })

  test('what counts begins at zero, a gauge without labels has no value before it is set', () => {
    const metrics = store()
    expect(contents(metrics.counter({ name: 'x_total', help: 'h' })).size).toBe(1)
    expect(contents(metrics.gauge({ name: 'y', help: 'h' })).size).toBe(0)
  })
})
