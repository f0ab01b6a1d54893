/** A clock whose time only a test moves. */
import type { Cancel, Clock } from '../core/contract/clock.ts'
import { repeating, sleeping, systemClock, unlimited } from '../core/process/clock.ts'
import { waitAtMost } from '../core/process/deadline.ts'

export interface TestClock extends Clock {
  /**
   * Moves the time forward, runs due timers in order, and lets promises settle in between. In a test runtime, tasks and
   * requests to threads too, each for at most its time limit and 5 s.
   */
  advance(ms: number): Promise<void>
  /** How many timers are armed. */
  readonly pending: number
}

type Timer = Readonly<{ dueMs: number; call: () => void }>

/** What stops the time of each test clock. */
const holds = new WeakMap<Clock, Set<Promise<void>>>()

/** Stops the time of a test clock until `work` has settled, or `ms` of real time have passed. */
export function holdTime(clock: Clock, work: Promise<unknown>, ms: number): void {
  const held = holds.get(clock)
  const hold = waitAtMost(work, ms, systemClock)
    .catch(() => {})
    .finally(() => held?.delete(hold))
  held?.add(hold)
}

/** @param startMs the epoch time at the beginning @default 2026-01-01T00:00:00Z */
export function testClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  const timers = new Set<Timer>()
  const held = new Set<Promise<void>>()
  const settle = async () => {
    for (;;) {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
      if (held.size === 0) return
      await Promise.race(held)
    }
  }
  let elapsedMs = 0
  const after = unlimited((ms, call): Cancel => {
    const timer = { dueMs: elapsedMs + Math.max(0, ms), call }
    timers.add(timer)
    return () => timers.delete(timer)
  })
  /** Of equals the one armed first. */
  const earliest = () => {
    let found: Timer | undefined
    for (const timer of timers) if (found === undefined || timer.dueMs < found.dueMs) found = timer
    return found
  }
  const clock: TestClock = {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    after,
    every: repeating(after, () => 0.5),
    sleep: sleeping(after),
    get pending() {
      return timers.size
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms
      await settle()
      for (let next = earliest(); next !== undefined && next.dueMs <= untilMs; next = earliest()) {
        timers.delete(next)
        elapsedMs = Math.max(elapsedMs, next.dueMs)
        next.call()
        await settle()
      }
      elapsedMs = untilMs
      await settle()
    },
  }
  holds.set(clock, held)
  return clock
}
