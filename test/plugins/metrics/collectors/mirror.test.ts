import { expect, test } from 'bun:test'
import { createMirror } from '../../../../plugins/metrics/collectors/mirror.ts'
import { recorder } from './recorder.ts'

const one = { name: 'a_total', help: 'A.' } as const
const many = { name: 'b_bytes', help: 'B.', labels: ['device'] } as const

test('a counter shows exactly the total that the source gave', () => {
  const metrics = recorder()
  const mirror = createMirror(metrics)
  const counter = mirror.counter(one)
  for (const total of [49.65, 49.66, 1234.57, 1234.57]) {
    mirror.round(() => counter.set(total))
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
  const mirror = createMirror(metrics)
  const counter = mirror.counter({ ...one, tolerance })
  for (const total of totals) mirror.round(() => counter.set(total))
  expect(metrics.value('a_total')).toBe(shown)
})

test('a series that a round does not set is gone, the others stay', () => {
  const metrics = recorder()
  const mirror = createMirror(metrics)
  const gauge = mirror.gauge(many)
  mirror.round(() => {
    gauge.set(1, { device: 'x' })
    gauge.set(2, { device: 'y' })
  })
  mirror.round(() => gauge.set(3, { device: 'y' }))
  expect([...metrics.samples]).toEqual([['b_bytes{device="y"}', 3]])
})

test('a counter that was gone comes back with its full total', () => {
  const metrics = recorder()
  const mirror = createMirror(metrics)
  const counter = mirror.counter({ ...many, name: 'c_total' })
  mirror.round(() => counter.set(7, { device: 'x' }))
  mirror.round(() => {})
  mirror.round(() => counter.set(9, { device: 'x' }))
  expect(metrics.value('c_total{device="x"}')).toBe(9)
})

test.each([[undefined], [Number.NaN], [Number.POSITIVE_INFINITY]])('%p registers no family', (value) => {
  const metrics = recorder()
  const mirror = createMirror(metrics)
  const gauge = mirror.gauge({ name: 'd', help: 'D.' })
  mirror.round(() => gauge.set(value))
  expect(metrics.families).toEqual([])
})

test('what a predecessor left in a family is taken away, but not from a shared one', () => {
  const metrics = recorder()
  for (const shared of [false, true]) {
    const name = shared ? 'shared_bytes' : 'own_bytes'
    for (const device of ['x', 'y']) {
      const mirror = createMirror(metrics)
      const gauge = mirror.gauge({ ...many, name, shared })
      mirror.round(() => gauge.set(1, { device }))
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
    const mirror = createMirror(metrics)
    const counter = mirror.counter(one)
    mirror.round(() => counter.set(total))
  }
  expect(metrics.value('a_total')).toBe(110)
})
