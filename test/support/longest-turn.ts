/** How long the event loop stood still. */
import { dlopen } from 'bun:ffi'
import { systemClock } from '../../core/process/clock.ts'

const isLinux = process.platform === 'linux'
/** `process.threadCpuUsage` counts in ticks of the kernel, which are as long as what is measured. */
const threadCpuClock = isLinux ? 3 : 16
const libc = dlopen(isLinux ? 'libc.so.6' : 'libSystem.dylib', {
  clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' },
})
const timespec = new BigInt64Array(2)
/** Processor time of this thread in milliseconds. */
function spentMs(): number {
  libc.symbols.clock_gettime(threadCpuClock, timespec)
  return Number(timespec[0]) * 1_000 + Number(timespec[1]) / 1_000_000
}

/**
 * Runs `work` and watches the turns of the event loop in processor time of this thread, which other programs do not
 * lengthen; waiting in a turn does not count either.
 *
 * @returns the busiest turn in milliseconds
 */
export async function busiestTurn(work: () => void | Promise<void>): Promise<number> {
  let busiest = 0
  let running = true
  let last = spentMs()
  const mark = () => {
    const now = spentMs()
    busiest = Math.max(busiest, now - last)
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
  return busiest
}

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
