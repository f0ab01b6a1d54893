/** The deadlines of calls: one timer for all, armed for the first call that is due, and kept when it has ended. */
import type { Cancel, Clock } from '../../core/plugin.ts'

/** `dueMs` is in monotonic milliseconds. */
export class Deadlines<T extends { readonly dueMs: number }> {
  private readonly calls = new Set<T>()
  private cancel: Cancel | undefined
  private armedMs = 0
  private closed = false

  /** @param expired called for each that is due; it is removed */
  constructor(
    private readonly clock: Pick<Clock, 'monotonic' | 'after'>,
    private readonly expired: (call: T) => void,
  ) {}

  add(call: T, nowMs: number): void {
    this.calls.add(call)
    if (this.cancel === undefined || call.dueMs < this.armedMs) this.arm(call.dueMs, nowMs)
  }

  remove(call: T): void {
    this.calls.delete(call)
    if (this.closed) this.rest()
  }

  /** No further call is added: the timer ends with the last call in progress. */
  close(): void {
    this.closed = true
    this.rest()
  }

  private rest(): void {
    if (this.calls.size === 0) this.cancel?.()
  }

  private arm(dueMs: number, nowMs: number): void {
    this.cancel?.()
    this.armedMs = dueMs
    this.cancel = this.clock.after(Math.max(0, dueMs - nowMs), () => this.fire())
  }

  private fire(): void {
    this.cancel = undefined
    const nowMs = this.clock.monotonic()
    const due: T[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const call of this.calls) {
      if (call.dueMs <= nowMs) due.push(call)
      else nextMs = Math.min(nextMs, call.dueMs)
    }
    for (const call of due) this.calls.delete(call)
    if (nextMs !== Number.POSITIVE_INFINITY) this.arm(nextMs, nowMs)
    for (const call of due) this.expired(call)
  }
}
