/** One timer for many deadlines. */
import { expect, test } from 'bun:test'
import { Deadlines } from '../../../plugins/redis/deadlines.ts'
import { testClock } from '../../../testing/index.ts'

test('each call is given up when it is due, in the order in which they are, and none that has ended', async () => {
  const clock = testClock()
  const seen: [string, number][] = []
  const startMs = clock.monotonic()
  type Call = { readonly name: string; readonly dueMs: number }
  const deadlines = new Deadlines<Call>(clock, ({ name }) => seen.push([name, clock.monotonic() - startMs]))
  const add = (name: string, inMs: number) => {
    const call = { name, dueMs: clock.monotonic() + inMs }
    deadlines.add(call, clock.monotonic())
    return call
  }
  const first = add('first', 100)
  add('second', 150)
  add('early', 30)
  await clock.advance(50)
  deadlines.remove(first)
  add('third', 100)
  await clock.advance(1_000)
  expect(seen).toEqual([
    ['early', 30],
    ['second', 150],
    ['third', 150],
  ])
  add('after a pause', 10)
  await clock.advance(10)
  expect(seen.at(-1)).toEqual(['after a pause', 1_060])
})

test('as many as may wait for a connection and for an answer together', async () => {
  const clock = testClock()
  const seen = { early: 0, late: 0 }
  const deadlines = new Deadlines<{ readonly dueMs: number; readonly name: 'early' | 'late' }>(clock, ({ name }) => {
    seen[name] += 1
  })
  const nowMs = clock.monotonic()
  deadlines.add({ dueMs: nowMs + 10, name: 'early' }, nowMs)
  for (let count = 0; count < 2_000_000; count += 1) deadlines.add({ dueMs: nowMs + 20, name: 'late' }, nowMs)
  await clock.advance(10)
  expect(seen).toEqual({ early: 1, late: 0 })
  await clock.advance(10)
  expect(seen).toEqual({ early: 1, late: 2_000_000 })
})
