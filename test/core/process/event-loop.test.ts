import { describe, expect, test } from 'bun:test'
import type { Clock } from '../../../core/contract/clock.ts'
import { sampleAfterMs, startEventLoop } from '../../../core/process/event-loop.ts'
import { readHeartbeat } from '../../../core/process/heartbeat.ts'

/** A clock whose timers run when the test says so, late if it says so. */
function lateClock() {
  let nowMs = 1_000
  let armed: { dueMs: number; call: () => void } | undefined
  const after: Clock['after'] = (ms, call) => {
    armed = { dueMs: nowMs + ms, call }
    return () => {
      armed = undefined
    }
  }
  return {
    clock: { now: () => nowMs, monotonic: () => nowMs, after } as Clock,
    isArmed: () => armed !== undefined,
    runLate(lateMs: number) {
      const { dueMs, call } = armed!
      armed = undefined
      nowMs = dueMs + lateMs
      call()
    },
  }
}

describe('the event loop', () => {
  test('is sampled often in a process that works and seldom in one that waits', () => {
    expect(sampleAfterMs(0, 250)).toBe(250)
    expect(sampleAfterMs(12.5, 250)).toBe(250)
    expect(sampleAfterMs(13, 250)).toBe(50)
    expect(sampleAfterMs(60, 50)).toBe(50)
  })

  test('tells the delay of the window before, and of the one that runs while there is none', () => {
    const { clock, runLate } = lateClock()
    const loop = startEventLoop(clock)
    expect(loop.delay()).toEqual({ minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 })
    runLate(80)
    expect(loop.delay().maxMs).toBeCloseTo(80, 0)
    expect(loop.delay().p99Ms).toBeLessThanOrEqual(loop.delay().maxMs)
    runLate(10_000)
    expect(loop.delay().maxMs / 1_000).toBeCloseTo(10, 1)
    runLate(2)
    expect(loop.delay().maxMs / 1_000).toBeCloseTo(10, 1)
    runLate(10_000)
    expect(loop.delay().minMs).toBeCloseTo(2, 1)
    loop.stop()
  })

  test('beats for the watchdog with every sample, and no more once it is stopped', () => {
    const { clock, runLate, isArmed } = lateClock()
    const loop = startEventLoop(clock)
    const before = readHeartbeat(loop.heartbeat).lastBeatMs
    runLate(0)
    expect(readHeartbeat(loop.heartbeat).lastBeatMs).toBeGreaterThan(before)
    loop.stop()
    expect(isArmed()).toBe(false)
  })
})
