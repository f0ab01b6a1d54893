/** Borrowers without a connection, first come, first served; and the leases that wait for a borrower to be served. */
import type { Cancel, Clock } from '../../../core/plugin.ts'
import type { Borrower, Lease, PoolConnection } from './lease.ts'

export interface Waiter<C extends PoolConnection> {
  readonly borrower: Borrower
  /** Monotonic milliseconds. */
  readonly sinceMs: number
  readonly timeoutMs: number
  readonly promise: Promise<Lease<C>>
  resolve(lease: Lease<C>): void
  reject(reason: unknown): void
}

export class WaitingQueue<C extends PoolConnection> {
  private readonly waiters = new Set<Waiter<C>>()
  private readonly blocked = new Map<Lease, number>()
  /** One timer for all waiters, armed for the waiter that is due first, and kept when that waiter is served. */
  private timer: Cancel | undefined
  private timerDueMs = 0

  /** @param timedOut called for each waiter that is due; it is still in the queue */
  constructor(
    private readonly clock: Clock,
    private readonly timedOut: (waiter: Waiter<C>) => void,
  ) {}

  get size(): number {
    return this.waiters.size
  }

  counts(nowMs: number) {
    const oldest = this.first()
    return { waiting: this.size, oldestWaitMs: oldest === undefined ? 0 : nowMs - oldest.sinceMs }
  }

  /** @param aborted called when `signal` has taken the borrower out of the queue; its promise is rejected */
  add(
    borrower: Borrower,
    sinceMs: number,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    aborted: () => void,
  ): Waiter<C> {
    const settle = Promise.withResolvers<Lease<C>>()
    const waiter: Waiter<C> = { borrower, sinceMs, timeoutMs, ...settle }
    if (signal !== undefined) {
      const abort = () => {
        if (!this.remove(waiter)) return
        aborted()
        settle.reject(signal.reason)
      }
      const settled = () => signal.removeEventListener('abort', abort)
      signal.addEventListener('abort', abort, { once: true })
      settle.promise.then(settled, settled)
    }
    this.waiters.add(waiter)
    for (const lease of borrower.blocks ?? []) this.blocked.set(lease, (this.blocked.get(lease) ?? 0) + 1)
    this.arm(sinceMs + timeoutMs, sinceMs)
    return waiter
  }

  /** @returns whether the waiter was in the queue */
  remove(waiter: Waiter<C>): boolean {
    if (!this.waiters.delete(waiter)) return false
    for (const lease of waiter.borrower.blocks ?? []) {
      const count = (this.blocked.get(lease) ?? 0) - 1
      if (count > 0) this.blocked.set(lease, count)
      else this.blocked.delete(lease)
    }
    return true
  }

  take(): Waiter<C> | undefined {
    const waiter = this.first()
    if (waiter !== undefined) this.remove(waiter)
    return waiter
  }

  rejectAll(reason: () => Error): void {
    const all = [...this.waiters]
    this.waiters.clear()
    this.blocked.clear()
    this.timer?.()
    this.timer = undefined
    for (const waiter of all) waiter.reject(reason())
  }

  unblock(lease: Lease): void {
    if (this.blocked.size > 0) this.blocked.delete(lease)
  }

  /** @returns how many of `leases` are held by borrowers of this queue */
  blockedCount(leases: { has(lease: Lease): boolean }): number {
    let count = 0
    for (const lease of this.blocked.keys()) if (leases.has(lease)) count += 1
    return count
  }

  private first(): Waiter<C> | undefined {
    for (const waiter of this.waiters) return waiter
    return undefined
  }

  private arm(dueMs: number, nowMs: number): void {
    if (this.timer !== undefined && this.timerDueMs <= dueMs) return
    this.timer?.()
    this.timerDueMs = dueMs
    this.timer = this.clock.after(dueMs - nowMs, () => this.due())
  }

  private due(): void {
    this.timer = undefined
    const nowMs = this.clock.monotonic()
    let nextMs = Number.POSITIVE_INFINITY
    // A timer may fire a fraction of a millisecond early.
    for (const waiter of [...this.waiters]) {
      const dueMs = waiter.sinceMs + waiter.timeoutMs
      if (dueMs <= nowMs + 1) this.timedOut(waiter)
      else nextMs = Math.min(nextMs, dueMs)
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.arm(nextMs, nowMs)
  }
}
