import { describe, expect, test } from 'bun:test'
import { initialWatch, look, lookAfterMs, watchMetrics } from '../../../../plugins/health/watchdog/watch.ts'

const limits = { stuckAfterMs: 3_000, reportAfterMs: 1_000 }

interface Sighting {
  /** The watcher's monotonic time. */
  at: number
  beat: number
  pauseUntil?: number
  /** The watcher's wall clock, if it does not run with its monotonic one. */
  wall?: number
  expected: [alive: boolean, events?: string[]]
}

const stories: Record<string, Sighting[]> = {
  'a loop that beats is alive': [
    { at: 100, beat: 1, expected: [true] },
    { at: 900, beat: 2, expected: [true] },
    { at: 1_800, beat: 3, expected: [true] },
  ],
  'a standstill is reported once, fails liveness once, and its end is told': [
    { at: 900, beat: 0, expected: [true] },
    { at: 1_000, beat: 0, expected: [true, ['stuck 1000']] },
    { at: 1_900, beat: 0, expected: [true] },
    { at: 2_900, beat: 0, expected: [true] },
    { at: 3_000, beat: 0, expected: [false, ['liveness failed 3000']] },
    { at: 3_900, beat: 0, expected: [false] },
    { at: 4_000, beat: 1, expected: [true, ['recovered 4000']] },
    { at: 4_900, beat: 1, expected: [true] },
    { at: 5_000, beat: 1, expected: [true, ['stuck 1000']] },
  ],
  'an announced stall holds liveness until its bound and no longer': [
    { at: 900, beat: 0, pauseUntil: 4_000, expected: [true] },
    { at: 1_800, beat: 0, pauseUntil: 4_000, expected: [true] },
    { at: 2_700, beat: 0, pauseUntil: 4_000, expected: [true] },
    { at: 3_600, beat: 0, pauseUntil: 4_000, expected: [true] },
    { at: 4_100, beat: 0, pauseUntil: 4_000, expected: [false, ['stuck 4100', 'liveness failed 4100']] },
  ],
  'a step of the wall clock is no standstill': [
    { at: 100, beat: 0, wall: 3_600_000, expected: [true] },
    { at: 200, beat: 3_600_050, wall: 3_600_100, expected: [true] },
  ],
  'a time in which the watcher itself did not run does not count': [
    { at: 500, beat: 0, expected: [true] },
    { at: 60_000, beat: 0, expected: [true] },
    { at: 60_400, beat: 0, expected: [true] },
    { at: 60_600, beat: 0, expected: [true, ['stuck 1100']] },
  ],
}

describe('the watchdog', () => {
  for (const [name, story] of Object.entries(stories)) {
    test(name, () => {
      let state = initialWatch({ beatMs: 0, monotonicMs: 0 })
      for (const { at, beat, pauseUntil = 0, wall = at, expected } of story) {
        const seen = look(state, { beatMs: beat, pauseUntilMs: pauseUntil, nowMs: wall, monotonicMs: at }, limits)
        state = seen.state
        const events = seen.events.map(({ type, stuckMs }) => `${type} ${stuckMs}`)
        expect([at, seen.isAlive, events]).toEqual([at, expected[0], expected[1] ?? []] as never)
      }
    })
  }

  test('its metrics tell how long the loop has been stuck, how often and how long at most', () => {
    let state = initialWatch({ beatMs: 0, monotonicMs: 0 })
    const at = (monotonicMs: number, beatMs: number) => {
      const seen = look(state, { beatMs, pauseUntilMs: 0, nowMs: monotonicMs, monotonicMs }, limits)
      state = seen.state
      return watchMetrics(seen, limits)
    }
    expect(at(900, 0)).toContain('\narkwatch_event_loop_stuck_seconds 0\n')
    expect(at(1_500, 0)).toContain('\narkwatch_event_loop_stuck_seconds 1.5\n')
    expect(at(1_600, 1)).toContain('\narkwatch_event_loop_stuck_seconds 0\n')
    expect(at(1_700, 1)).toContain('\narkwatch_event_loop_stuck_longest_seconds 1.5\n')
    expect(at(1_700, 1)).toContain('\narkwatch_event_loop_stuck_total 1\n')
  })

  test('looks seldom while the heart beats and closely once a beat is missed', () => {
    expect(lookAfterMs({ ageMs: 0 }, { reportAfterMs: 1_000 })).toBe(500)
    expect(lookAfterMs({ ageMs: 0 }, { reportAfterMs: 500 })).toBe(250)
    expect(lookAfterMs({ ageMs: 1 }, { reportAfterMs: 1_000 })).toBe(100)
  })
})
