/** Time, as plugins and the runtime see it. */
export type Cancel = () => void

export interface EveryOptions {
  /** Spreads each period by up to this ratio (0-1) of it, later only. @default 0 */
  readonly jitter?: number
  /** Runs for the first time immediately, and not after the first period. @default false */
  readonly immediate?: boolean
  /** Called with the error of a call. @default an uncaught exception; a fault with the clock of a plugin */
  onError?(error: unknown): void
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds that never go back, from an arbitrary origin. */
  monotonic(): number
  /**
   * Calls once after `ms`, which may be Infinity, outside of any request.
   * @returns cancels the call @throws TIME_INVALID for what is not a number
   */
  after(ms: number, call: () => void): Cancel
  /**
   * Calls after each `ms`, counted from the end of the last call, also a failed one: calls of 150 ms with a period of
   * 100 ms begin every 250 ms, and never overlap. Outside of any request.
   * @param ms above 0 @returns stops the calls @throws TIME_INVALID
   */
  every(ms: number, call: () => void | Promise<void>, options?: EveryOptions): Cancel
  /** Resolves after `ms`, or rejects with the reason of `signal`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
