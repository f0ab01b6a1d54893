/** A clock that stands still until a test moves it. */
import type { Cancel, Clock } from '../core/contract/clock.ts'
import { repeating, sleeping } from '../core/process/clock.ts'

export interface TestClock extends Clock {
  /** Moves time on, runs what falls due in order, and lets promises settle in between. */
  advance(ms: number): Promise<void>
  /** How many timers are armed. */
  readonly pending: number
}

/** Lets every promise that can settle without time do so. */
const settle = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

/** @param startMs the epoch time at the beginning @default 2026-01-01T00:00:00Z */
export function testClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  const timers = new Map<number, { dueMs: number; call: () => void }>()
  let elapsedMs = 0
  let nextId = 0
  const after = (ms: number, call: () => void): Cancel => {
    const id = nextId++
    timers.set(id, { dueMs: elapsedMs + Math.max(0, ms), call })
    return () => timers.delete(id)
  }
  const earliest = () => {
    let found: [number, { dueMs: number; call: () => void }] | undefined
    for (const entry of timers) if (found === undefined || entry[1].dueMs < found[1].dueMs) found = entry
    return found
  }
  return {
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
      for (let next = earliest(); next !== undefined && next[1].dueMs <= untilMs; next = earliest()) {
        const [id, timer] = next
        timers.delete(id)
        elapsedMs = Math.max(elapsedMs, timer.dueMs)
        timer.call()
        await settle()
      }
      elapsedMs = untilMs
      await settle()
    },
  }
}
