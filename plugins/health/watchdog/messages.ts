/** The messages between the watchdog's worker and the main thread. Types only. */

export interface WatchdogData {
  readonly heartbeat: SharedArrayBuffer
  readonly host: string
  readonly port: number
  readonly stuckAfterMs: number
  readonly reportAfterMs: number
}

export type WatchdogMessage =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'listen failed'; readonly reason: string }
  /** A stall has ended. */
  | { readonly type: 'recovered'; readonly stuckMs: number }
