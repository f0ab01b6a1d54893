/**
 * The one event-loop histogram and the one heartbeat of the process. On Bun `monitorEventLoopDelay` is a process
 * singleton that anyone can stop, so core owns it and everybody else reads here.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Cancel, Clock } from './clock.ts'
import { announce, beat, createHeartbeat, endPause } from './heartbeat.ts'
import { service } from './token.ts'

/** Excess delay of the event loop over one window, in milliseconds. */
export interface LoopDelay {
  readonly minMs: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface EventLoop {
  /** The delay over the last complete window of 10 s, or over the window that runs if none is complete. */
  delay(): LoopDelay
  /** Shared with the watchdog's worker; read it with core/heartbeat.ts. */
  readonly heartbeat: SharedArrayBuffer
  /**
   * Says that the loop will stand still for at most `boundMs` (a snapshot): readiness drops, liveness holds.
   * @returns ends the announcement
   */
  announcePause(boundMs: number, reason: string): Cancel
  /** Why a pause is under way, or undefined. */
  readonly pauseReason: string | undefined
}
export const EventLoop = service<EventLoop>('eventLoop')

const windowMs = 10_000
const beatMs = 250
const ms = (nanoseconds: number) => (Number.isFinite(nanoseconds) && nanoseconds < 1e15 ? nanoseconds / 1e6 : 0)

const read = (histogram: ReturnType<typeof monitorEventLoopDelay>): LoopDelay => ({
  minMs: histogram.count === 0 ? 0 : ms(histogram.min),
  meanMs: histogram.count === 0 ? 0 : ms(histogram.mean),
  p50Ms: ms(histogram.percentile(50)),
  p90Ms: ms(histogram.percentile(90)),
  p99Ms: ms(histogram.percentile(99)),
  maxMs: ms(histogram.max),
})

/** Starts the histogram and the heartbeat. @returns the service and its stop */
export function startEventLoop(clock: Clock): EventLoop & { stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: 50 })
  histogram.enable()
  const heartbeat = createHeartbeat(clock.now())
  let last: LoopDelay | undefined
  let pauseReason: string | undefined
  const cancels = [
    clock.every(windowMs, () => {
      last = read(histogram)
      histogram.reset()
    }),
    clock.every(beatMs, () => beat(heartbeat, clock.now())),
  ]
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
    stop() {
      for (const cancel of cancels) cancel()
      histogram.disable()
    },
  }
}
