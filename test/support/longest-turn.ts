/** How long the event loop stood still. */
import { systemClock } from '../../core/clock.ts'

/**
 * Runs `work` and watches the turns of the event loop, in real time since that is what is measured.
 *
 * @returns the longest time between two turns in milliseconds, an upper bound of the longest synchronous piece
 */
export async function longestTurn(work: () => void | Promise<void>): Promise<number> {
  let longest = 0
  let running = true
  let last = systemClock.monotonic()
  const mark = () => {
    const now = systemClock.monotonic()
    longest = Math.max(longest, now - last)
    last = now
  }
  const tick = () => {
    mark()
    if (running) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  running = false
  mark()
  return longest
}
