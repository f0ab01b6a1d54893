/** Time, as plugins and the runtime see it. */

export type Cancel = () => void

export interface EveryOptions {
  /** Spreads each period by up to this ratio (0-1) of it, later only. @default 0 */
  readonly jitter?: number
  /** Runs once at once instead of after the first period. @default false */
  readonly immediate?: boolean
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds that never go back, from an arbitrary origin. */
  monotonic(): number
  /** Calls once after `ms`. @returns cancels it */
  after(ms: number, call: () => void): Cancel
  /** Calls every `ms`; a period whose predecessor still runs is skipped. @returns cancels it */
  every(ms: number, call: () => void | Promise<void>, options?: EveryOptions): Cancel
  /** Resolves after `ms`, or rejects with the reason of `signal`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
