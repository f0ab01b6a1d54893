/** A clock whose time only a test moves. */
import type { Cancel, Clock } from '../core/contract/clock.ts'
import { outsideRequests } from '../core/contract/foreign/outside-requests.ts'
import { repeating, sleeping, systemClock, timeInvalid, unlimited, yieldToLoop } from '../core/process/clock.ts'
import { isDeadline, waitAtMost } from '../core/process/deadline.ts'

export interface TestClock extends Clock {
  /**
   * Moves the time forward and runs due timers in order. In between, waits for all promises that need nothing but this
   * thread, and in a test runtime for tasks, requests to threads and streams with a time limit, each for at most its
   * limit and 5 s of real time. Does not wait for other real work, such as a file, a socket or a child process: await
   * that work in the test, then advance further.
   * @param ms finite, 0 or above @throws TIME_INVALID
   */
  advance(ms: number): Promise<void>
  /** How many timers are armed. */
  readonly pending: number
}

type Timer = Readonly<{ dueMs: number; call: () => void }>

/** Each settles every promise of this thread, and then takes what has arrived from outside. */
const loopTurns = 2
/** Real milliseconds that the work gets before one of its deadlines passes. */
const deadlinePatienceMs = 500

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

function createClock(startMs = Date.UTC(2026, 0, 1), patienceMs = 0): TestClock {
  const timers = new Set<Timer>()
  const held = new Set<Promise<void>>()
  const settle = async () => {
    for (;;) {
      for (let turn = 0; turn < loopTurns; turn += 1) await yieldToLoop()
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
  const impatient = new WeakSet<Timer>()
  /** @returns whether a deadline that is due gave its work real time */
  const hasWaited = async (timer: Timer) => {
    if (patienceMs <= 0 || !isDeadline(timer.call) || impatient.has(timer)) return false
    impatient.add(timer)
    const untilMs = systemClock.monotonic() + deadlinePatienceMs
    while (timers.has(timer) && systemClock.monotonic() < untilMs) await systemClock.sleep(1)
    if (timers.has(timer)) patienceMs -= deadlinePatienceMs
    return true
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
      // An endless advance never ends where a timer repeats.
      if (!Number.isFinite(ms) || ms < 0)
        throw timeInvalid('clock.advance', ms, 'a finite number of milliseconds, 0 or above')
      const untilMs = elapsedMs + ms
      await settle()
      for (let next = earliest(); next !== undefined && next.dueMs <= untilMs; next = earliest()) {
        if (await hasWaited(next)) continue
        timers.delete(next)
        elapsedMs = Math.max(elapsedMs, next.dueMs)
        outsideRequests(next.call)
        await settle()
      }
      // An advance inside of the call of a timer may have gone further.
      elapsedMs = Math.max(elapsedMs, untilMs)
      await settle()
    },
  }
  holds.set(clock, held)
  return clock
}

/** @param startMs the epoch time at the beginning @default 2026-01-01T00:00:00Z */
export const testClock = (startMs?: number): TestClock => createClock(startMs)

/** Gives work real time before one of its deadlines passes, for at most 10 s in all. */
export const patientClock = (): TestClock => createClock(undefined, 10_000)
