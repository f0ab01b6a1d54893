/** The token of the event-loop monitor. */
import type { Cancel } from './clock.ts'
import { service } from './tokens.ts'

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
  /** Shared with the watchdog's worker, which reads it by `readHeartbeat`. */
  readonly heartbeat: SharedArrayBuffer
  /** The loop will stop for at most `boundMs` (a snapshot): readiness drops, liveness holds. @returns ends this */
  announcePause(boundMs: number, reason: string): Cancel
  /** The reason of the announced stall in progress, or undefined. */
  readonly pauseReason: string | undefined
}
export const EventLoop = service<EventLoop>('eventLoop')
