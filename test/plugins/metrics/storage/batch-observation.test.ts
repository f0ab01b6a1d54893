import { expect, test } from 'bun:test'
import type { MetricOptions } from '../../../../plugins/metrics/api.ts'
import { createBatch } from '../../../../plugins/metrics/storage/batch-observation.ts'
import { recorder } from '../recorder.ts'

const one = { name: 'a_total', help: 'A.' } as const
const many = { name: 'b_bytes', help: 'B.', labels: ['device'] } as const

test('a counter shows exactly the total that the source gave', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter(one)
  for (const total of [49.65, 49.66, 1234.57, 1234.57]) {
    batch.observe(() => counter.set(total))
    expect(metrics.value('a_total')).toBe(total)
  }
})

test.each([
  ['goes back by more than the tolerance: it begins anew', 3, [100, 90], 90],
  ['goes back by less: it stays', 3, [100, 98], 100],
  ['without tolerance every way back begins anew', 0, [100, 99.9], 99.9],
  ['goes on from the new value', 0, [100, 10, 15], 15],
])('a counter that %s', (_, tolerance, totals, shown) => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ ...one, tolerance })
  for (const total of totals) batch.observe(() => counter.set(total))
  expect(metrics.value('a_total')).toBe(shown)
})

test('a series that a round does not set is gone, the others stay', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  batch.observe(() => {
    gauge.set(1, { device: 'x' })
    gauge.set(2, { device: 'y' })
  })
  batch.observe(() => gauge.set(3, { device: 'y' }))
  expect([...metrics.samples]).toEqual([['b_bytes{device="y"}', 3]])
})

test('a counter that was gone comes back with its full total', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ ...many, name: 'c_total' })
  batch.observe(() => counter.set(7, { device: 'x' }))
  batch.observe(() => {})
  batch.observe(() => counter.set(9, { device: 'x' }))
  expect(metrics.value('c_total{device="x"}')).toBe(9)
})

test.each([[undefined], [Number.NaN], [Number.POSITIVE_INFINITY]])('%p registers no family', (value) => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge({ name: 'd', help: 'D.' })
  batch.observe(() => gauge.set(value))
  expect(metrics.families).toEqual([])
})

test('what a predecessor left in a family is taken away, but not from a shared one', () => {
  const metrics = recorder()
  for (const shared of [false, true]) {
    const name = shared ? 'shared_bytes' : 'own_bytes'
    for (const device of ['x', 'y']) {
      let isReleased = false
      const batch = createBatch(metrics, () => isReleased)
      const gauge = batch.gauge({ ...many, name, shared })
      batch.observe(() => gauge.set(1, { device }))
      isReleased = true
    }
  }
  expect([...metrics.samples.keys()]).toEqual([
    'own_bytes{device="y"}',
    'shared_bytes{device="x"}',
    'shared_bytes{device="y"}',
  ])
})

test('a counter that a predecessor filled shows the total, not the sum', () => {
  const metrics = recorder()
  for (const total of [100, 110]) {
    const batch = createBatch(metrics)
    const counter = batch.counter(one)
    batch.observe(() => counter.set(total))
  }
  expect(metrics.value('a_total')).toBe(110)
})

test('a reset and a successor keep the series of a label set', () => {
  const metrics = recorder()
  const seriesOf = () => [...metrics.families[0]!.all]
  const batch = createBatch(metrics)
  const counter = batch.counter({ ...many, name: 'c_total' })
  batch.observe(() => counter.set(7, { device: 'x' }))
  const before = seriesOf()
  batch.observe(() => counter.set(2, { device: 'x' }))
  expect(metrics.value('c_total{device="x"}')).toBe(2)
  const successor = createBatch(metrics)
  const again = successor.counter({ ...many, name: 'c_total' })
  successor.observe(() => again.set(3, { device: 'x' }))
  expect(metrics.value('c_total{device="x"}')).toBe(3)
  expect(seriesOf()).toEqual(before)
  expect(seriesOf()[0]).toBe(before[0]!)
})

test('a callback that throws changes nothing', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  const observe = (value: number, fails: boolean) =>
    batch.observe(() => {
      gauge.set(value, { device: 'x' })
      if (fails) throw new Error('source is gone')
      gauge.set(value, { device: 'y' })
    })
  observe(1, false)
  expect(() => observe(2, true)).toThrow('source is gone')
  expect([...metrics.samples.values()]).toEqual([1, 1])
})

test('a callback that returns a promise is refused by its type and at run time, and changes nothing', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  const observe = () =>
    // @ts-expect-error: the type refuses a promise
    batch.observe(async () => {
      gauge.set(1, { device: 'x' })
      throw new Error('source is gone')
    })
  expect(observe).toThrow('the callback of observe returned a promise')
  expect(metrics.families).toEqual([])
})

test('a label set that takes the place of another one at the limit is not folded', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge({ ...many, maxSeries: 1 })
  for (const device of ['x', 'y']) batch.observe(() => gauge.set(1, { device }))
  expect([...metrics.samples.keys()]).toEqual(['b_bytes{device="y"}'])
})

test('events over the limit add up in the overflow series, those since a reset too', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ ...many, name: 'c_total', maxSeries: 1 })
  for (const total of [10, 15, 3]) {
    batch.observe(() => {
      for (const device of ['x', 'y', 'z']) counter.set(total, { device })
    })
  }
  expect([...metrics.samples]).toEqual([
    ['c_total{device="x"}', 3],
    ['c_total{device="__overflow__"}', 36],
  ])
})

test('a value longer than the limit goes with its label set', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  batch.observe(() => gauge.set(1, { device: 'x'.repeat(2_000) }))
  expect(metrics.samples.size).toBe(1)
  batch.observe(() => {})
  expect(metrics.samples.size).toBe(0)
})

test('one object may carry the labels of one series after the other', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  batch.observe(() => {
    const labels = { device: '' }
    for (const device of ['x', 'y']) {
      labels.device = device
      gauge.set(1, labels)
    }
  })
  expect([...metrics.samples.keys()]).toEqual(['b_bytes{device="x"}', 'b_bytes{device="y"}'])
})

test.each([[{}], [{ device: 'x', more: 'y' }], [{ device: undefined }], [null]])(
  'labels %p are refused where they are set, and no family changes',
  (labels) => {
    const metrics = recorder()
    const batch = createBatch(metrics)
    const first = batch.gauge({ name: 'a_bytes', help: 'A.' })
    const second = batch.gauge(many)
    batch.observe(() => first.set(1))
    const observe = () =>
      batch.observe(() => {
        first.set(2)
        second.set(2, labels as never)
      })
    expect(observe).toThrow('metric b_bytes takes the labels [device]')
    expect([...metrics.samples]).toEqual([['a_bytes', 1]])
  },
)

test('a family whose name is taken keeps all of its batch from changing', () => {
  const metrics = recorder()
  metrics.counter({ name: 'taken_total', help: 'T.', labels: ['a'] })
  const batch = createBatch(metrics)
  const gauge = batch.gauge({ name: 'a_bytes', help: 'A.' })
  const taken = batch.counter({ name: 'taken_total', help: 'T.' })
  const observe = () =>
    batch.observe(() => {
      gauge.set(1)
      taken.set(1)
    })
  expect(observe).toThrow('taken_total is registered as')
  expect([...metrics.samples]).toEqual([])
})

const refused: readonly [string, 'counter' | 'gauge', MetricOptions][] = [
  ['a name with a space', 'gauge', { name: 'bad name', help: 'X.' }],
  ['a name of another type', 'gauge', { name: 'a_total', help: 'X.' }],
  ['a counter without _total', 'counter', { name: 'no_suffix', help: 'X.' }],
  ['no help', 'counter', { name: 'a_total', help: ' ' }],
  ['a reserved label', 'gauge', { name: 'a_bytes', help: 'X.', labels: ['__a'] }],
  ['a label twice', 'gauge', { name: 'a_bytes', help: 'X.', labels: ['a', 'a'] }],
]
test.each(refused)('%s is refused by a batch as by the factory, when the metric is declared', (_, type, options) => {
  const thrown = (declare: () => unknown): unknown => {
    try {
      return declare()
    } catch (error) {
      return error
    }
  }
  const { message } = thrown(() => recorder()[type](options)) as Error
  expect(thrown(() => createBatch(recorder())[type](options))).toMatchObject({ code: 'METRICS_NAME_INVALID', message })
})

test('a series that was removed by others comes back with the next observation', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter(one)
  batch.observe(() => counter.set(5))
  metrics.counter(one).remove({})
  batch.observe(() => counter.set(6))
  expect(metrics.value('a_total')).toBe(6)
})

test('a value without labels is read at each observation', () => {
  const metrics = recorder()
  const { counter, gauge, observe } = createBatch(metrics)
  let total = 1
  counter(one, () => total)
  gauge({ name: 'd', help: 'D.' }, () => (total > 1 ? undefined : 4))
  observe()
  expect([...metrics.samples]).toEqual([
    ['a_total', 1],
    ['d', 4],
  ])
  total = 2
  observe()
  expect([...metrics.samples]).toEqual([['a_total', 2]])
})

const refusedValues: [unknown, string][] = [
  ['5', 'cannot take the value "5": a gauge takes numbers'],
  [null, 'cannot take the value null'],
  [true, 'cannot take the value true'],
  [2n ** 53n, 'cannot take the value 9007199254740992'],
  [Object.create(null), 'cannot take the value of the type object'],
  [Symbol('x'), 'cannot take the value of the type symbol'],
]
test.each(refusedValues)('a batch refuses %p by set and by read, and changes nothing', (value, message) => {
  const metrics = recorder()
  for (const way of ['set', 'read'] as const) {
    const batch = createBatch(metrics)
    const gauge = batch.gauge(many)
    let read: unknown = 1
    batch.gauge({ name: 'c', help: 'C.' }, () => read as number)
    batch.observe(() => gauge.set(1, { device: 'x' }))
    const before = [...metrics.samples]
    if (way === 'read') read = value
    const observe = () => batch.observe(() => gauge.set((way === 'set' ? value : 2) as number, { device: 'x' }))
    expect(observe).toThrow(message)
    expect([...metrics.samples]).toEqual(before)
  }
})

test('a batch takes a bigint that is exact as a number, and refuses a negative total', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter(one)
  batch.observe(() => counter.set(5n))
  expect(() => batch.observe(() => counter.set(-1))).toThrow('a counter takes finite numbers from 0')
  expect(metrics.value('a_total')).toBe(5)
})

test('a value that is set outside of observe is refused, also after a callback that threw', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const gauge = batch.gauge(many)
  const set = () => gauge.set(1, { device: 'x' })
  const fails = () => batch.observe(() => void JSON.parse('{'))
  for (const before of [() => {}, () => batch.observe(set), () => expect(fails).toThrow()]) {
    before()
    const message = 'metric b_bytes of a batch was set outside of observe'
    expect(set).toThrow(expect.objectContaining({ code: 'METRICS_NOT_OBSERVING', message }))
  }
})

test('absurd totals leave the overflow series finite, and normal ones bring it back', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ ...many, name: 'c_total', maxSeries: 1 })
  const observe = (totals: readonly number[]) =>
    batch.observe(() => {
      for (const [device, total] of totals.entries()) counter.set(total, { device: String(device) })
    })
  observe([1, 1e308, 1e308, 1e308])
  expect(Number.isFinite(metrics.value('c_total{device="__overflow__"}'))).toBe(true)
  observe([1, 5, 6, 7])
  observe([1, 6, 6, 7])
  expect(metrics.value('c_total{device="__overflow__"}')).toBe(19)
})
