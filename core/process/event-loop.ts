/**
 * The one event-loop histogram and the one heartbeat of the process, from one timer: Bun's `monitorEventLoopDelay` is a
 * singleton that anyone can stop.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Cancel, Clock } from '../contract/clock.ts'
import type { EventLoop, LoopDelay } from '../contract/event-loop.ts'
import { announce, beat, createHeartbeat, endPause } from './heartbeat.ts'

const windowMs = 10_000
/** Short enough for the watchdog. */
const idleSampleMs = 250
const busySampleMs = 50
/** CPU time of the process as a share of one core from which on it counts as busy. */
const busyRatio = 0.05

/** The milliseconds to the next sample. @param cpuMs of the process since the last sample, `elapsedMs` ago */
export const sampleAfterMs = (cpuMs: number, elapsedMs: number): number =>
  cpuMs > elapsedMs * busyRatio ? busySampleMs : idleSampleMs

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function read(histogram: RecordableHistogram): LoopDelay {
  const ms = (nanoseconds: number) => (histogram.count === 0 ? 0 : nanoseconds / 1e6)
  const { min, mean, max } = histogram
  // A percentile is the upper end of its bucket, which can be above the greatest value.
  const at = (percent: number) => ms(Math.min(histogram.percentile(percent), max))
  return { minMs: ms(min), meanMs: ms(mean), p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), maxMs: ms(max) }
}

/** Starts the histogram and the heartbeat. @returns the service and its stop */
export function startEventLoop(clock: Clock): EventLoop & { stop(): void } {
  const histogram = createHistogram()
  const heartbeat = createHeartbeat(clock.now())
  let last: LoopDelay | undefined
  let pauseReason: string | undefined
  let windowEndsMs = clock.monotonic() + windowMs
  let sampledMs = clock.monotonic()
  let usedMs = cpuMs()
  let cancel: Cancel
  const arm = (afterMs: number) => {
    const dueMs = clock.monotonic() + afterMs
    cancel = clock.after(afterMs, () => {
      const nowMs = clock.monotonic()
      const used = cpuMs()
      beat(heartbeat, clock.now())
      histogram.record(Math.max(1, Math.round((nowMs - dueMs) * 1e6)))
      if (nowMs >= windowEndsMs) {
        windowEndsMs = nowMs + windowMs
        last = read(histogram)
        histogram.reset()
      }
      arm(sampleAfterMs(used - usedMs, nowMs - sampledMs))
      sampledMs = nowMs
      usedMs = used
    })
  }
  arm(idleSampleMs)
  return {
    heartbeat,
    delay: () => last ?? read(histogram),
    get pauseReason() {
      return pauseReason
    },
    announcePause(boundMs, reason) {
      pauseReason = reason
      announce(heartbeat, clock.now() + boundMs)
      return () => {
        pauseReason = undefined
        beat(heartbeat, clock.now())
        endPause(heartbeat)
      }
    },
    stop: () => cancel(),
  }
}
