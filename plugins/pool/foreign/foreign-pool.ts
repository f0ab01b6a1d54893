/** A pool that an application owns: its holders, waiting borrowers and times, observed and never changed. */
import type { ForeignStatus } from '../api.ts'
import { currentBorrower } from '../lending/borrower.ts'
import { type Borrower, Lease, type PoolEntry } from '../lending/lease.ts'
import { Fingerprints } from '../statements/fingerprint.ts'
import { PoolWatch, type WatchOptions } from '../watch/pool-watch.ts'

/** The numbers that only the client knows. */
export interface ForeignCounts {
  /** Connections that are open; undefined where the client does not report the number. */
  readonly total: number | undefined
  readonly idle: number | undefined
  /** Borrowers in the client's own queue; undefined if the client does not report it: counted here then. */
  readonly waiting: number | undefined
  readonly max: number
}

/** A borrower without a connection. */
export interface Asking {
  readonly borrower: Borrower
  readonly sinceMs: number
}

export class ForeignPool {
  readonly watch: PoolWatch
  private readonly fingerprints = new Fingerprints()
  private readonly leases = new Set<Lease>()
  private readonly asking = new Set<Asking>()

  constructor(
    private readonly options: WatchOptions & { readonly driver: ForeignStatus['driver'] },
    private readonly counts: () => ForeignCounts,
  ) {
    this.watch = new PoolWatch(options)
  }

  get name(): string {
    return this.options.name
  }

  ask(kind: Borrower['kind']): Asking {
    const asking = { borrower: currentBorrower(kind, this), sinceMs: this.options.clock.monotonic() }
    this.asking.add(asking)
    return asking
  }

  giveUp(asking: Asking): void {
    this.asking.delete(asking)
  }

  /** @param pid of the backend, 0 where it is not known */
  acquired(asking: Asking, pid: number): Lease {
    this.asking.delete(asking)
    const nowMs = this.options.clock.monotonic()
    const waitedMs = nowMs - asking.sinceMs
    const lease = new Lease({ connection: { pid } } as PoolEntry, asking.borrower, nowMs, waitedMs)
    this.leases.add(lease)
    this.watch.events.acquired?.(waitedMs)
    return lease
  }

  released(lease: Lease): void {
    if (!this.leases.delete(lease)) return
    lease.released = true
    this.watch.events.released?.(lease, this.options.clock.monotonic() - lease.sinceMs)
  }

  /** Records that a statement begins. @returns a function to call when the statement has ended */
  statement(lease: Lease, text: string | readonly string[]): (failed: boolean) => void {
    const shape = typeof text === 'string' ? this.fingerprints.ofText(text) : this.fingerprints.ofTemplate(text)
    const startedMs = this.options.clock.monotonic()
    lease.statement = shape.text
    lease.statementSinceMs = startedMs
    return (failed) => {
      lease.statementSinceMs = undefined
      if (!failed && shape.opens !== undefined) lease.inTransaction = shape.opens
      this.watch.ended(lease, shape, this.options.clock.monotonic() - startedMs, failed, undefined)
    }
  }

  status = (): ForeignStatus => {
    const { total, idle, waiting = this.asking.size, max } = this.counts()
    const [oldest] = this.asking
    return {
      name: this.name,
      driver: this.options.driver,
      owned: false,
      total,
      active: Math.min(this.leases.size, max),
      idle,
      // Statements beyond `max` are in the hands of the client, which runs no more at a time.
      waiting: waiting + Math.max(0, this.leases.size - max),
      oldestWaitMs: oldest === undefined ? 0 : this.options.clock.monotonic() - oldest.sinceMs,
      avgWaitMs: this.watch.avgWaitMs,
      max,
      leaks: this.watch.leaks,
      slow: this.watch.slow.count,
    }
  }
  holders = () => this.watch.holders([...this.leases])
  statements = (limit = 20) => this.watch.statements.top(limit)
  slow = (limit = 50) => this.watch.slow.latest(limit)
  routes = () => this.watch.routes.list()

  /** Run it every second. */
  housekeep(): void {
    const nowMs = this.options.clock.monotonic()
    this.watch.findLeaks(this.leases, nowMs)
    this.watch.housekeep(nowMs)
  }
}
