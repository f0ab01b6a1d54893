import { expect, test } from 'bun:test'
import { withDeadline } from '../../core/process/deadline.ts'
import { patientClock, testClock } from '../../testing/test-clock.ts'

test.each([1, 50, 1_000])('advance waits for a call of %d promises', async (promises) => {
  const clock = testClock()
  let rounds = 0
  clock.every(1_000, async () => {
    for (let at = 0; at < promises; at += 1) await Promise.resolve()
    rounds += 1
  })
  await clock.advance(10_000)
  expect(rounds).toBe(10)
})

test('a patient clock gives work real time before its deadline, and then lets the deadline pass', async () => {
  const clock = patientClock()
  const within = (work: Promise<string>) => withDeadline(work, 1_000, clock, () => new Error('late')).catch(String)
  const read = within(Bun.file(import.meta.path).text())
  await clock.advance(1_000)
  expect(await read).toContain('a patient clock')
  const hung = within(new Promise(() => {}))
  await clock.advance(1_000)
  expect(await hung).toBe('Error: late')
})
