/**
 * Which borrower gets which connection, and when: knows neither SQL nor a driver.
 * Over 250 lines because every state of a connection is moved here.
 */
import { withDeadline } from '../../../core/plugin.ts'
import { Connector } from './connector.ts'
import { type Borrower, Lease, type PoolConnection, type PoolEntry } from './lease.ts'
import { LeaseList } from './lease-list.ts'
import { PoolEntries } from './pool-entries.ts'
import { type CloseReason, capacityOf, type PoolOptions, type PoolSettings } from './pool-options.ts'
import { Refusals } from './refusals.ts'
import { type Waiter, WaitingQueue } from './waiting-queue.ts'

const late = () => new Error('not in time')

/**
 * A connection, {@link PoolEntry}. Each arrow names the method that moves the connection:
 *
 *                  acquire: silent for validateAfter
 *              ┌── housekeep: silent for keepalive ───────────┐
 *              ▼                                              │
 *   opened ─▶ checking ───────── offer: nobody waits ───────▶ idle
 *              │                                              │ ▲
 *              │                               acquire: fresh │ │ release: nobody waits
 *              │                                              ▼ │
 *              └───────── offer: a borrower waits ─────────▶ held ⟲ release: a borrower waits
 *
 *   closed, from every state and for good, by the reason:
 *     lost      the server ended the connection        evicted   evict; a held connection at its release
 *     invalid   no answer while `checking`             idle      longer `idle` than idleTimeout
 *     broken    no use any more at release, abandon    lifetime  older than maxLifetime, never while `held`
 *     overflow  over `size` and nobody waits           closed    drain
 *
 * The pool: open ⇄ paused, by `pause` and `resume`. Open ⇄ unavailable, by `breakerFailures` failures in a row while
 * no connection is left, and by the next attempt that succeeds. Each ─▶ closed, by `drain`, for good.
 *
 * A lease that is never released leaks: its connection stays `held`, nothing else ends the lease, and the pool
 * is smaller by one. `PoolWatch.findLeaks` reports the lease after leakThreshold.
 * @see HikariCP `ConcurrentBag`, `HikariPool`
 */
export class ConnectionPool<C extends PoolConnection> {
  readonly leases = new LeaseList<C>()
  readonly connector: Connector<C>
  settings: PoolSettings
  paused = false
  private readonly entries: PoolEntries<C>
  private readonly queue: WaitingQueue<C>
  readonly refusals: Refusals
  closed = false
  unavailable = false
  /** When the server last answered, monotonic milliseconds. */
  answeredMs = Number.NEGATIVE_INFINITY

  constructor(private readonly options: PoolOptions<C>) {
    this.settings = options.settings
    this.refusals = new Refusals(options.name, () => this.connector.problem)
    this.queue = new WaitingQueue(options.clock, (waiter) => this.timeOut(waiter))
    this.entries = new PoolEntries((reason) => options.events?.closed?.(reason))
    this.connector = new Connector(options, {
      opened: (connection, tookMs) => this.opened(connection, tookMs),
      failed: () => this.connectFailed(),
      again: () => (this.unavailable ? void this.connector.connect(this.settings) : this.demand()),
    })
  }

  counts() {
    const nowMs = this.options.clock.monotonic()
    return {
      ...this.entries.counts(nowMs, this.settings.validateAfter),
      connecting: this.connector.connecting,
      ...this.queue.counts(nowMs),
      max: capacityOf(this.settings),
      min: this.settings.minIdle,
      unavailable: this.unavailable,
    }
  }

  /**
   * Lends a connection, immediately where a fresh one is idle.
   * @throws POOL_TIMEOUT, POOL_QUEUE_FULL, POOL_DEADLOCK, POOL_UNAVAILABLE, POOL_CLOSED, the signal's reason
   */
  acquire(borrower: Borrower, signal?: AbortSignal, timeoutMs?: number): Lease<C> | Promise<Lease<C>> {
    if (this.closed) throw this.refusals.closed()
    signal?.throwIfAborted()
    if (this.unavailable && this.entries.total === 0) throw this.refusals.unavailable()
    const nowMs = this.options.clock.monotonic()
    const entry = this.paused || this.queue.size > 0 ? undefined : this.entries.takeIdle(nowMs)
    if (entry !== undefined) {
      if (nowMs - entry.aliveMs < this.settings.validateAfter) return this.lend(entry, borrower, nowMs, 0)
      void this.check(entry)
    }
    return this.enqueue(borrower, signal, timeoutMs ?? this.settings.acquireTimeout, nowMs)
  }

  /** Takes a connection back. Safe twice. @param broken the connection is closed, not lent again */
  release(lease: Lease<C>, broken = false, nowMs = this.options.clock.monotonic()): void {
    if (lease.released) return
    lease.released = true
    this.leases.remove(lease)
    this.queue.unblock(lease)
    const { entry } = lease
    this.options.events?.released?.(lease, nowMs - lease.sinceMs)
    if (entry.state === 'held') {
      entry.aliveMs = nowMs
      if (broken) this.entries.close(entry, 'broken')
      else this.offer(entry, nowMs)
    }
    if (this.queue.size > 0) this.demand()
  }

  /** Sets other limits. Connections over the new limits are closed at their release or by `housekeep`. */
  reconfigure(settings: PoolSettings): void {
    this.settings = settings
    this.demand()
  }

  /** Opens a connection where none is open. @throws POOL_UNAVAILABLE */
  async probe(): Promise<void> {
    if (this.entries.total === 0 && !this.connector.isBusy) await this.connector.connect(this.settings)
    if (this.entries.total === 0) throw this.refusals.unavailable()
  }

  /** Closes a lent connection that is of no use any more. */
  abandon(lease: Lease<C>, reason: CloseReason): void {
    this.entries.close(lease.entry, reason)
    this.demand()
  }

  /** Closes connections that are too old or too long idle, checks silent ones, opens `minIdle`. Run every second. */
  housekeep(): void {
    this.entries.housekeep(this.options.clock.monotonic(), this.settings, (entry) => void this.check(entry))
    this.demand()
  }

  /** Suspends lending: borrowers wait until `resume`. */
  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    const nowMs = this.options.clock.monotonic()
    while (this.queue.size > 0) {
      const entry = this.entries.takeIdle(nowMs)
      if (entry === undefined) break
      this.offer(entry, nowMs)
    }
    this.demand()
  }

  /** Closes idle connections, lent ones at their release. @param pid only this backend's @returns the number */
  evict(pid?: number): number {
    const count = this.entries.evict(pid)
    this.demand()
    return count
  }

  /** Stops lending, waits for the releases, closes all connections. @param timeoutMs longest wait for releases */
  async drain(timeoutMs: number): Promise<void> {
    this.closed = true
    this.connector.stop()
    this.queue.rejectAll(this.refusals.closed)
    this.entries.closeAll('idle')
    await withDeadline(this.leases.whenEmpty(), timeoutMs, this.options.clock, late).catch(() => {})
    this.entries.closeAll('every')
  }

  private enqueue(borrower: Borrower, signal: AbortSignal | undefined, timeoutMs: number, sinceMs: number) {
    const { maxWaiting } = this.settings
    if (this.queue.size >= maxWaiting) throw this.refusals.queueFull(maxWaiting)
    const waiter = this.queue.add(borrower, sinceMs, timeoutMs, signal, () => {
      this.refusals.totals.aborted += 1
    })
    this.demand()
    if (this.isDeadlock(borrower)) {
      this.queue.remove(waiter)
      waiter.reject(this.refusals.deadlock(this.leases, borrower))
    }
    return waiter.promise
  }

  /** Whether every connection is held by a borrower that waits for a further connection. */
  private isDeadlock({ blocks }: Borrower): boolean {
    if (!blocks?.length || this.paused || this.connector.connecting > 0) return false
    return this.entries.active >= capacityOf(this.settings) && this.queue.blockedCount(this.leases) === this.leases.size
  }

  private timeOut(waiter: Waiter<C>): void {
    const counts = this.counts()
    if (!this.queue.remove(waiter)) return
    waiter.reject(this.refusals.timeout(waiter.timeoutMs, counts, this.leases, this.options.clock.monotonic()))
  }

  private lend(entry: PoolEntry<C>, borrower: Borrower, nowMs: number, waitedMs: number): Lease<C> {
    this.entries.to(entry, 'held')
    const lease = new Lease(entry, borrower, nowMs, waitedMs)
    this.leases.add(lease)
    this.options.events?.acquired?.(waitedMs)
    return lease
  }

  /** Lends a connection to the first of the waiting queue, or makes the connection idle, or closes the connection. */
  private offer(entry: PoolEntry<C>, nowMs: number): void {
    this.answeredMs = Math.max(this.answeredMs, entry.aliveMs)
    const isOld = nowMs >= entry.expiresMs
    const unfit = this.closed ? 'closed' : entry.evicted ? 'evicted' : isOld ? 'lifetime' : undefined
    const waiter = this.paused || unfit !== undefined ? undefined : this.queue.take()
    if (unfit !== undefined) this.entries.close(entry, unfit)
    else if (waiter !== undefined) waiter.resolve(this.lend(entry, waiter.borrower, nowMs, nowMs - waiter.sinceMs))
    else if (this.entries.total > this.settings.size) this.entries.close(entry, 'overflow')
    else this.entries.putIdle(entry, nowMs)
  }

  private async check(entry: PoolEntry<C>): Promise<void> {
    this.entries.to(entry, 'checking')
    const answer = withDeadline(entry.connection.ping(), this.settings.validationTimeout, this.options.clock, late)
    const isAlive = await answer.then(() => true).catch(() => false)
    if (entry.state !== 'checking') return
    entry.aliveMs = this.options.clock.monotonic()
    if (isAlive) this.offer(entry, entry.aliveMs)
    else this.entries.close(entry, 'invalid')
    this.demand()
  }

  /** Opens as many connections as are needed and allowed. */
  private demand(): void {
    const { connector, entries, queue, settings } = this
    const capacity = capacityOf(settings)
    if (entries.total + connector.connecting >= capacity) return
    const isNeeded = () => {
      const count = entries.total + connector.connecting
      if (count < capacity && queue.size > connector.connecting + entries.checking) return true
      return count < settings.size && entries.spare + connector.connecting < settings.minIdle
    }
    while (!this.closed && !this.paused && !connector.isBusy && isNeeded()) void connector.connect(settings)
  }

  private opened(connection: C, tookMs: number): () => void {
    this.unavailable = false
    const nowMs = this.options.clock.monotonic()
    const entry = this.entries.add(connection, nowMs, this.settings.maxLifetime, this.options.random)
    this.options.events?.created?.(tookMs)
    this.offer(entry, nowMs)
    this.demand()
    return () => {
      this.entries.close(entry, 'lost')
      this.demand()
    }
  }

  private connectFailed(): void {
    if (this.connector.failuresInRow < this.settings.breakerFailures || this.entries.total > 0) return
    this.unavailable = true
    this.queue.rejectAll(this.refusals.unavailable)
  }
}
