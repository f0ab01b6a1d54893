import { expect, spyOn, test } from 'bun:test'
import { monotonicOrigin, repeating, sleeping, systemClock, unlimited } from '../../../core/process/clock.ts'
import { testClock } from '../../../testing/test-clock.ts'

test('the system clock and its origin are the wall clock together', () => {
  const before = performance.timeOrigin + performance.now()
  const wallMs = systemClock.monotonic() + monotonicOrigin
  const after = performance.timeOrigin + performance.now()
  expect(wallMs).toBeGreaterThanOrEqual(before)
  expect(wallMs).toBeLessThanOrEqual(after)
})

test('the monotonic clock never goes back', () => {
  let last = systemClock.monotonic()
  for (let at = 0; at < 20_000; at += 1) {
    const nowMs = systemClock.monotonic()
    expect(nowMs).toBeGreaterThanOrEqual(last)
    last = nowMs
  }
})

const dayMs = 86_400_000

test.each([
  ['25 days', 25 * dayMs],
  ['100 days', 100 * dayMs],
  ['one more than setTimeout takes', 2 ** 31],
])('a timer of %s is called when it is due, and only then', async (_, ms) => {
  for (const how of ['after', 'every', 'sleep'] as const) {
    const clock = testClock()
    const armed: number[] = []
    const timer = unlimited((delayMs, call) => {
      armed.push(delayMs)
      return clock.after(delayMs, call)
    })
    let calls = 0
    const count = () => {
      calls += 1
    }
    if (how === 'after') timer(ms, count)
    else if (how === 'every') repeating(timer)(ms, count)
    else void sleeping(timer)(ms).then(count)
    await clock.advance(ms - 1)
    expect(calls).toBe(0)
    await clock.advance(1)
    expect(calls).toBe(1)
    expect(Math.max(...armed)).toBeLessThan(2 ** 31)
  }
})

test('a long timer is cancelled in every part of its time', async () => {
  const clock = testClock()
  for (const beforeMs of [0, 30 * dayMs]) {
    const cancel = clock.after(60 * dayMs, () => expect.unreachable())
    await clock.advance(beforeMs)
    cancel()
    expect(clock.pending).toBe(0)
  }
})

test('the system clock never calls a timer of Infinity', () => {
  const armed = spyOn(globalThis, 'setTimeout')
  try {
    systemClock.after(Number.POSITIVE_INFINITY, () => {})()
    expect(armed.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1])
  } finally {
    armed.mockRestore()
  }
})

test.each([Number.NaN, undefined, null, {}, -1, 0, '50', 50n, new Date(50)])(
  'a period of %p is refused: such a timer would never rest',
  (ms) => {
    for (const { every } of [systemClock, testClock()])
      expect(() => every(ms as number, () => {})).toThrow(/^clock.every got .*: expected .* above 0$/)
  },
)

test.each([Number.NaN, undefined, null, {}, '50', 50n, new Date(50)])('a delay of %p is refused', async (ms) => {
  for (const { after, sleep } of [systemClock, testClock()]) {
    expect(() => after(ms as number, () => {})).toThrow(/^clock.after got .*: expected a number of milliseconds$/)
    const message = expect.stringMatching(/^clock.sleep got .*: expected a number of milliseconds$/)
    await expect(sleep(ms as number)).rejects.toMatchObject({ code: 'TIME_INVALID', message })
  }
})

test('the period of every begins at the end of a call, so that calls never overlap', async () => {
  const clock = testClock()
  const begun: number[] = []
  clock.every(100, () => {
    begun.push(clock.monotonic())
    return clock.sleep(150)
  })
  await clock.advance(1_000)
  expect(begun).toEqual([100, 350, 600, 850])
})

test.each([undefined, 5, Promise.resolve(), {}])(
  'the result of a call, %p, is refused in place of the function',
  (call) => {
    for (const { after, every } of [systemClock, testClock()]) {
      expect(() => after(10, call as never)).toThrow(/^clock.after got .*: expected a function$/)
      expect(() => every(10, call as never)).toThrow(/^clock.every got .*: expected a function$/)
    }
  },
)
