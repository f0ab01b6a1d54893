/**
 * Over 250 lines because every step moves the same private state.
 *
 * The pool itself: who gets which connection when. It knows no SQL and no driver, only {@link PoolConnection}.
 * @see HikariCP `ConcurrentBag`, `HikariPool`
 */

import { poolError } from '../errors.ts'
import { lifetimeMs, silenceMs } from './back-off.ts'
import { Connector } from './connector.ts'
import { type Borrower, Lease, type PoolConnection, type Slot } from './lease.ts'
import { LeaseList } from './lease-list.ts'
import type { CloseReason, PoolCounts, PoolOptions, PoolSettings } from './pool-options.ts'
import { Slots } from './slots.ts'
import { describeBorrower, oldestHolders } from './timeout-message.ts'
import { createWaiter, type Waiter, WaitingLine } from './waiting-line.ts'

export class PoolState<C extends PoolConnection> {
  readonly leases = new LeaseList<C>()
  readonly totals = { timeouts: 0, refused: 0, deadlocks: 0, aborted: 0 }
  readonly connector: Connector<C>
  settings: PoolSettings
  paused = false
  private readonly slots: Slots<C>
  private readonly line: WaitingLine<C>
  private closed = false
  private unavailable = false
  private emptied: (() => void) | undefined

  constructor(private readonly options: PoolOptions<C>) {
    this.settings = options.settings
    this.line = new WaitingLine(options.clock, (waiter) => this.timeOut(waiter))
    this.slots = new Slots((reason) => options.events?.closed?.(reason))
    this.connector = new Connector(options, {
      opened: (connection, tookMs, onLost) => this.opened(connection, tookMs, onLost),
      failed: () => this.connectFailed(),
      again: () => (this.unavailable ? void this.connector.connect(this.settings) : this.demand()),
    })
  }

  counts(): PoolCounts {
    const { slots, line, options } = this
    const oldest = line.first()
    const nowMs = options.clock.monotonic()
    return {
      total: slots.total,
      active: slots.active,
      idle: slots.idle.length,
      silent: slots.idle.filter(({ aliveMs }) => nowMs - aliveMs >= this.settings.validateAfterMs).length,
      checking: slots.checking,
      connecting: this.connector.connecting,
      waiting: line.size,
      oldestWaitMs: oldest === undefined ? 0 : nowMs - oldest.sinceMs,
      max: this.capacity,
      min: this.settings.minIdle,
      unavailable: this.unavailable,
    }
  }

  private get capacity(): number {
    return this.settings.size + this.settings.maxOverflow
  }

  /**
   * Lends a connection, at once where one is free and known to live.
   * @throws (or rejects) POOL_TIMEOUT, POOL_QUEUE_FULL, POOL_DEADLOCK, POOL_UNAVAILABLE, POOL_CLOSED, the signal's reason
   */
  acquire(borrower: Borrower, signal?: AbortSignal, timeoutMs?: number): Lease<C> | Promise<Lease<C>> {
    if (this.closed) throw poolError('POOL_CLOSED', { pool: this.options.name })
    signal?.throwIfAborted()
    if (this.unavailable && this.slots.total === 0) throw this.unavailableError()
    const nowMs = this.options.clock.monotonic()
    if (!this.paused && this.line.size === 0) {
      const slot = this.slots.takeIdle(nowMs)
      if (slot !== undefined) {
        if (nowMs - slot.aliveMs < this.settings.validateAfterMs) return this.lend(slot, borrower, nowMs, 0)
        void this.check(slot)
      }
    }
    return this.enqueue(borrower, signal, timeoutMs ?? this.settings.acquireTimeoutMs, nowMs)
  }

  /** Takes a connection back. Safe twice. @param broken it is closed, not lent again */
  release(lease: Lease<C>, broken = false, nowMs = this.options.clock.monotonic()): void {
    if (lease.released) return
    lease.released = true
    this.leases.remove(lease)
    this.line.unblock(lease)
    const { slot } = lease
    this.options.events?.released?.(lease, nowMs - lease.sinceMs)
    if (slot.state === 'held') {
      slot.aliveMs = nowMs
      if (broken) this.slots.close(slot, 'broken')
      else this.offer(slot, nowMs)
    }
    if (this.closed && this.leases.size === 0) this.emptied?.()
    if (this.line.size > 0) this.demand()
  }

  /** Takes other limits from now on: what is over them is closed when it comes back or the pool is kept. */
  reconfigure(settings: PoolSettings): void {
    this.settings = settings
    this.demand()
  }

  /** Whether a connection can be had, found out by opening one. @throws POOL_UNAVAILABLE */
  async probe(): Promise<void> {
    if (this.slots.total === 0 && !this.connector.isBusy) await this.connector.connect(this.settings)
    if (this.slots.total === 0) throw this.unavailableError()
  }

  /** Closes a lent connection that is of no use any more. */
  abandon(lease: Lease<C>, reason: CloseReason): void {
    this.slots.close(lease.slot, reason)
    this.demand()
  }

  /** Closes what is too old or idle for too long, keeps alive what is idle, fills up to `minIdle`. Run it every second. */
  housekeep(): void {
    const nowMs = this.options.clock.monotonic()
    const { idleTimeoutMs, minIdle, keepaliveMs } = this.settings
    for (const slot of [...this.slots.idle]) {
      const spare = this.slots.idle.length > minIdle
      if (nowMs >= slot.expiresMs) this.slots.close(slot, 'lifetime')
      else if (spare && idleTimeoutMs > 0 && nowMs - slot.idleSinceMs >= idleTimeoutMs) this.slots.close(slot, 'idle')
      else if (keepaliveMs > 0 && nowMs - slot.aliveMs >= silenceMs(keepaliveMs, slot.jitter)) {
        this.slots.removeIdle(slot)
        void this.check(slot)
      }
    }
    this.demand()
  }

  /** Borrowers wait until `resume`. */
  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    const nowMs = this.options.clock.monotonic()
    while (this.line.size > 0) {
      const slot = this.slots.takeIdle(nowMs)
      if (slot === undefined) break
      this.offer(slot, nowMs)
    }
    this.demand()
  }

  /** Renews connections: idle ones now, lent ones when they come back. @param pid only this one @returns how many */
  evict(pid?: number): number {
    const chosen = this.slots.list().filter((slot) => pid === undefined || slot.connection.pid === pid)
    for (const slot of chosen) {
      slot.evicted = true
      if (slot.state === 'idle') this.slots.close(slot, 'evicted')
    }
    this.demand()
    return chosen.length
  }

  /** Lends no more, waits for what is lent, then closes all. @param timeoutMs after it, what is lent is closed too */
  async drain(timeoutMs: number): Promise<void> {
    this.closed = true
    this.connector.stop()
    for (const waiter of this.line.takeAll()) waiter.reject(poolError('POOL_CLOSED', { pool: this.options.name }))
    for (const slot of [...this.slots.idle]) this.slots.close(slot, 'closed')
    if (this.leases.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.emptied = resolve
      const cancel = this.options.clock.after(timeoutMs, resolve)
      await promise
      cancel()
    }
    for (const slot of this.slots.list()) this.slots.close(slot, 'closed')
  }

  private enqueue(
    borrower: Borrower,
    signal: AbortSignal | undefined,
    timeoutMs: number,
    sinceMs: number,
  ): Promise<Lease<C>> {
    const { name } = this.options
    if (this.line.size >= this.settings.maxWaiting) {
      this.totals.refused += 1
      throw poolError('POOL_QUEUE_FULL', { pool: name, limit: this.settings.maxWaiting })
    }
    const { waiter, promise } = createWaiter<C>(borrower, sinceMs, timeoutMs, signal, () => {
      if (!this.line.remove(waiter)) return
      this.totals.aborted += 1
      waiter.reject(signal?.reason)
    })
    this.line.add(waiter)
    this.demand()
    if (this.isDeadlock(borrower)) {
      this.line.remove(waiter)
      this.totals.deadlocks += 1
      const held = [...this.leases].map((lease) => describeBorrower(lease.borrower)).join(' | ')
      waiter.reject(poolError('POOL_DEADLOCK', { pool: name, held, asked: describeBorrower(borrower) }))
    }
    return promise
  }

  /** All is lent, and each borrower waits for more. */
  private isDeadlock({ blocks }: Borrower): boolean {
    if (blocks === undefined || blocks.length === 0 || this.paused) return false
    if (this.connector.connecting > 0 || this.slots.active < this.capacity) return false
    return this.line.blockedCount(this.leases) === this.leases.size
  }

  private timeOut(waiter: Waiter<C>): void {
    const { total, active, idle, waiting } = this.counts()
    if (!this.line.remove(waiter)) return
    this.totals.timeouts += 1
    const holders = oldestHolders(this.leases, this.options.clock.monotonic()) || this.connector.problem || 'none'
    const details = { pool: this.options.name, timeoutMs: waiter.timeoutMs, total, active, idle, waiting, holders }
    waiter.reject(poolError('POOL_TIMEOUT', details))
  }

  private lend(slot: Slot<C>, borrower: Borrower, nowMs: number, waitedMs: number): Lease<C> {
    this.slots.to(slot, 'held')
    const lease = new Lease(slot, borrower, nowMs, waitedMs)
    this.leases.add(lease)
    this.options.events?.acquired?.(waitedMs)
    return lease
  }

  /** Gives a connection to whom it is due, or puts it away. */
  private offer(slot: Slot<C>, nowMs: number): void {
    const outworn = this.closed ? 'closed' : slot.evicted ? 'evicted' : nowMs >= slot.expiresMs ? 'lifetime' : undefined
    const waiter = this.paused || outworn !== undefined ? undefined : this.line.take()
    if (outworn !== undefined) this.slots.close(slot, outworn)
    else if (waiter !== undefined) waiter.resolve(this.lend(slot, waiter.borrower, nowMs, nowMs - waiter.sinceMs))
    else if (this.slots.total > this.settings.size) this.slots.close(slot, 'overflow')
    else this.slots.putIdle(slot, nowMs)
  }

  private async check(slot: Slot<C>): Promise<void> {
    const { clock } = this.options
    this.slots.to(slot, 'checking')
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const cancel = clock.after(this.settings.validationTimeoutMs, () => resolve(false))
    slot.connection.ping().then(
      () => resolve(true),
      () => resolve(false),
    )
    const alive = await promise
    cancel()
    if (slot.state !== 'checking') return
    slot.aliveMs = clock.monotonic()
    if (alive) this.offer(slot, slot.aliveMs)
    else this.slots.close(slot, 'invalid')
    this.demand()
  }

  /** Makes as many connections as are wanted and allowed. */
  private demand(): void {
    const { connector, slots, line, settings } = this
    if (slots.total + connector.connecting >= this.capacity) return
    const wanted = () => {
      const room = slots.total + connector.connecting
      if (room < this.capacity && line.size > connector.connecting + slots.checking) return true
      return room < settings.size && slots.idle.length + connector.connecting < settings.minIdle
    }
    while (!this.closed && !this.paused && !connector.isBusy && wanted()) void connector.connect(settings)
  }

  private opened(connection: C, tookMs: number, onLost: (call: () => void) => void): void {
    this.unavailable = false
    const nowMs = this.options.clock.monotonic()
    const random = this.options.random ?? Math.random
    const expiresMs = nowMs + lifetimeMs(this.settings.maxLifetimeMs, random())
    const slot = this.slots.add(connection, nowMs, expiresMs, random())
    onLost(() => {
      this.slots.close(slot, 'lost')
      this.demand()
    })
    this.options.events?.created?.(tookMs)
    this.offer(slot, nowMs)
    this.demand()
  }

  private connectFailed(): void {
    if (this.connector.failuresInRow < this.settings.breakerFailures || this.slots.total > 0) return
    this.unavailable = true
    for (const waiter of this.line.takeAll()) waiter.reject(this.unavailableError())
  }

  private unavailableError(): Error {
    return poolError('POOL_UNAVAILABLE', { pool: this.options.name, reason: this.connector.problem ?? 'unknown' })
  }
}
