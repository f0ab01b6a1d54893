import { expect, test } from 'bun:test'
import { monotonicOrigin, systemClock } from '../../../core/process/clock.ts'

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
