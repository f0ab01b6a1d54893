import { expect, test } from 'bun:test'
import { yieldToLoop } from '../../../core/clock.ts'
import { Slots } from '../../../plugins/health/slots.ts'

const begun = async (slots: Slots, count: number) => {
  let running = 0
  for (let at = 0; at < count; at += 1) {
    const room = slots.take()
    if (room === undefined) running += 1
    else void room.then(() => running++)
  }
  return () => running
}

test('no more than eight begin in one turn of the event loop, and all begin in the end', async () => {
  const running = await begun(new Slots(100), 20)
  expect(running()).toBe(8)
  await yieldToLoop()
  await yieldToLoop()
  expect(running()).toBeGreaterThan(8)
  for (let turn = 0; turn < 5; turn += 1) await yieldToLoop()
  expect(running()).toBe(20)
})

test('what waits begins in order when others end, or when the limit is raised', async () => {
  const slots = new Slots(1)
  const order: number[] = []
  for (const at of [1, 2, 3]) {
    const room = slots.take()
    if (room === undefined) order.push(at)
    else void room.then(() => order.push(at))
  }
  slots.give()
  await yieldToLoop()
  expect(order).toEqual([1, 2])
  slots.limit = 2
  await yieldToLoop()
  expect(order).toEqual([1, 2, 3])
})
