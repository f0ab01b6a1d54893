import { expect, test } from 'bun:test'
import { RunLimit } from '../../../plugins/health/checks/run-limit.ts'
import { testClock } from '../../../testing/test-clock.ts'

/** Takes places and keeps the order in which they were given. */
function takeAll(runs: RunLimit, count: number): number[] {
  const order: number[] = []
  for (let at = 1; at <= count; at += 1) {
    const room = runs.take()
    if (room === undefined) order.push(at)
    else void room.then(() => order.push(at))
  }
  return order
}

test('no more than four begin within eight milliseconds, and all begin in the end', async () => {
  const clock = testClock()
  const order = takeAll(new RunLimit(100, clock), 10)
  expect(order).toEqual([1, 2, 3, 4])
  await clock.advance(8)
  expect(order).toHaveLength(8)
  await clock.advance(8)
  expect(order).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  await clock.advance(8)
  expect(clock.pending).toBe(0)
})

test('what waits begins in order when others end, or when the limit is raised', async () => {
  const clock = testClock()
  const runs = new RunLimit(1, clock)
  const order = takeAll(runs, 3)
  expect(order).toEqual([1])
  runs.give()
  await clock.advance(0)
  expect(order).toEqual([1, 2])
  runs.limit = 2
  await clock.advance(0)
  expect(order).toEqual([1, 2, 3])
})
