/** First come, first served; and which leases cannot come back before somebody in the line is served. */
import type { Clock } from '../../core/clock.ts'
import type { Borrower, Lease, PoolConnection } from './lease.ts'

export interface Waiter<C extends PoolConnection> {
  readonly borrower: Borrower
  /** Monotonic milliseconds. */
  readonly sinceMs: number
  resolve(lease: Lease<C>): void
  reject(reason: unknown): void
}

export interface WaiterOptions {
  readonly sinceMs: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  timedOut(): void
  aborted(): void
}

/** @returns the waiter and what its borrower awaits; its timer and listener go when it is settled */
export function createWaiter<C extends PoolConnection>(borrower: Borrower, options: WaiterOptions) {
  const { sinceMs, timeoutMs, clock, signal, timedOut, aborted } = options
  const { promise, resolve, reject } = Promise.withResolvers<Lease<C>>()
  const cancel = clock.after(timeoutMs, timedOut)
  signal?.addEventListener('abort', aborted, { once: true })
  const settled = () => {
    cancel()
    signal?.removeEventListener('abort', aborted)
  }
  const waiter: Waiter<C> = {
    borrower,
    sinceMs,
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
    const waiter = this.first()
    if (waiter !== undefined) this.remove(waiter)
    return waiter
  }

  takeAll(): Waiter<C>[] {
    const all = [...this.waiters]
    this.waiters.clear()
    this.blocked.clear()
    return all
  }

  /** The lease came back. */
  unblock(lease: Lease): void {
    if (this.blocked.size > 0) this.blocked.delete(lease)
  }

  /** @returns how many of these are blocked */
  blockedCount(leases: ReadonlySet<Lease>): number {
    let count = 0
    for (const lease of this.blocked.keys()) if (leases.has(lease)) count += 1
    return count
  }
}
