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

test.each([-500, Number.NaN, Number.POSITIVE_INFINITY, undefined, '5', 5n, {}])(
  'an advance by %p is refused, and the clock goes on',
  async (ms) => {
    const clock = testClock()
    const message = expect.stringMatching(
      /^clock.advance got .*: expected a finite number of milliseconds, 0 or above$/,
    )
    await expect(clock.advance(ms as number)).rejects.toMatchObject({ code: 'TIME_INVALID', message })
    await clock.advance(1)
    expect(clock.monotonic()).toBe(1)
  },
)

test('the time never goes back after an advance in the call of a timer', async () => {
  const clock = testClock()
  clock.after(1, () => void clock.advance(500))
  await clock.advance(100)
  expect(clock.monotonic()).toBe(501)
})
