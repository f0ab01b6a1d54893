/** First come, first served; and which leases cannot come back before somebody in the line is served. */
import type { Cancel, Clock } from '../../../core/plugin.ts'
import type { Borrower, Lease, PoolConnection } from './lease.ts'

export interface Waiter<C extends PoolConnection> {
  readonly borrower: Borrower
  /** Monotonic milliseconds. */
  readonly sinceMs: number
  readonly timeoutMs: number
  resolve(lease: Lease<C>): void
  reject(reason: unknown): void
}

/** @param aborted called when `signal` is aborted before the waiter is settled */
export function createWaiter<C extends PoolConnection>(
  borrower: Borrower,
  sinceMs: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  aborted: () => void,
) {
  const { promise, resolve, reject } = Promise.withResolvers<Lease<C>>()
  if (signal === undefined) return { waiter: { borrower, sinceMs, timeoutMs, resolve, reject }, promise }
  signal.addEventListener('abort', aborted, { once: true })
  const settled = () => signal.removeEventListener('abort', aborted)
  const waiter: Waiter<C> = {
    borrower,
    sinceMs,
    timeoutMs,
    resolve(lease) {
      settled()
      resolve(lease)
    },
    reject(reason) {
      settled()
      reject(reason)
    },
  }
  return { waiter, promise }
}

export class WaitingLine<C extends PoolConnection> {
  private readonly waiters = new Set<Waiter<C>>()
  private readonly blocked = new Map<Lease, number>()
  /** One timer for all: armed for who must go first, and left when that one is served. */
  private timer: Cancel | undefined
  private timerDueMs = 0

  /** @param timedOut called for those who waited too long, who are in the line still */
  constructor(
    private readonly clock: Clock,
    private readonly timedOut: (waiter: Waiter<C>) => void,
  ) {}

  get size(): number {
    return this.waiters.size
  }

  first(): Waiter<C> | undefined {
    for (const waiter of this.waiters) return waiter
    return undefined
  }

  add(waiter: Waiter<C>): void {
    this.waiters.add(waiter)
    for (const lease of waiter.borrower.blocks ?? []) this.blocked.set(lease, (this.blocked.get(lease) ?? 0) + 1)
    this.arm(waiter.sinceMs + waiter.timeoutMs, waiter.sinceMs)
  }

  /** @returns whether it was in the line */
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
    if (this.waiters.size === 0) return undefined
    const waiter = this.first()
    if (waiter !== undefined) this.remove(waiter)
    return waiter
  }

  takeAll(): Waiter<C>[] {
    const all = [...this.waiters]
    this.waiters.clear()
    this.blocked.clear()
    this.timer?.()
    this.timer = undefined
    return all
  }

  /** The lease came back. */
  unblock(lease: Lease): void {
    if (this.blocked.size > 0) this.blocked.delete(lease)
  }

  /** @returns how many of these are blocked */
  blockedCount(leases: { has(lease: Lease): boolean }): number {
    let count = 0
    for (const lease of this.blocked.keys()) if (leases.has(lease)) count += 1
    return count
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
