/** One pool of PostgreSQL connections, for callers. */
import type { AcquireOptions, BeginOptions, Pool, QueryOptions, Reserved, Rows, Session, Sql } from './api.ts'
import { currentBorrower, whileHolding } from './borrower.ts'
import type { SqlConnection, SqlDriver } from './drivers/driver.ts'
import { poolError } from './errors.ts'
import { Executor, isLost } from './executor.ts'
import { explainProblem } from './explain.ts'
import { Fingerprints } from './fingerprint.ts'
import type { Borrower, Lease } from './lease.ts'
import type { PoolSettings } from './pool-options.ts'
import { PoolState } from './pool-state.ts'
import { PoolWatch, type WatchOptions } from './pool-watch.ts'
import { createSession, type SessionTools } from './session.ts'
import { createSql, type Work } from './statement.ts'

export interface SqlPoolOptions extends WatchOptions {
  readonly driver: SqlDriver
  readonly driverName: 'postgres' | 'bun'
  readonly settings: PoolSettings
  readonly statementTimeoutMs: number
}

/** Connections kept for health and admin. */
const reserveSize = 2

export class SqlPool implements Pool {
  readonly name: string
  readonly sql: Sql
  readonly watch: PoolWatch
  readonly main: PoolState<SqlConnection>
  readonly reserved: PoolState<SqlConnection>
  private readonly tools: SessionTools

  constructor(private readonly options: SqlPoolOptions) {
    const { name, clock, driver, settings } = options
    this.name = name
    this.watch = new PoolWatch(options)
    const connect = (onClosed: () => void) => driver.open(onClosed)
    this.main = new PoolState<SqlConnection>({ name, settings, clock, connect, events: this.watch.events })
    const few = { ...settings, size: reserveSize, maxOverflow: 0, minIdle: 0, maxWaiting: 100 }
    this.reserved = new PoolState<SqlConnection>({ name: `${name}.reserve`, settings: few, clock, connect })
    const executor = new Executor({
      name,
      clock,
      statementTimeoutMs: () => options.statementTimeoutMs,
      ended: (lease, work, tookMs, failed) => this.watch.ended(lease, work.fingerprint, tookMs, failed),
      abandon: (lease) => this.laneOf(lease).abandon(lease),
    })
    this.tools = { driver, executor, fingerprints: new Fingerprints() }
    this.sql = createSql(driver, this.tools.fingerprints, (work, chosen) => this.run(work, chosen))
  }

  query<T>(text: string, parameters: readonly unknown[] = [], options: QueryOptions = {}): Promise<Rows<T>> {
    const fingerprint = this.tools.fingerprints.ofText(text)
    const work = { fingerprint, start: (connection: SqlConnection) => connection.text(text, parameters) }
    return this.run(work, options) as Promise<Rows<T>>
  }

  async begin<T>(work: (tx: Session) => Promise<T>, options: BeginOptions = {}): Promise<T> {
    const { isolation, readOnly = false, signal } = options
    const { lease, lane } = await this.lend(currentBorrower('begin', this), options)
    const tx = createSession(lease, this.tools, signal)
    // Also where BEGIN is given up on its way: nobody knows then whether the server had begun.
    lease.inTransaction = true
    try {
      await tx.query(`BEGIN${isolation ? ` ISOLATION LEVEL ${isolation}` : ''}${readOnly ? ' READ ONLY' : ''}`)
      const result = await whileHolding(this, lease, () => work(tx))
      signal?.throwIfAborted()
      const { command } = await tx.query('COMMIT')
      if (command === 'ROLLBACK') throw poolError('POOL_ROLLED_BACK', { pool: this.name })
      return result
    } catch (thrown) {
      await this.rollBack(lease, createSession(lease, this.tools))
      throw thrown
    } finally {
      lane.release(lease, lease.inTransaction)
    }
  }

  async reserve(options: AcquireOptions = {}): Promise<Reserved> {
    const { lease, lane } = await this.lend(currentBorrower('reserve', this), options)
    const session = createSession(lease, this.tools)
    const release = async () => {
      if (lease.released) return
      await this.rollBack(lease, session)
      lane.release(lease, lease.inTransaction)
    }
    return Object.assign(session, { release }) as Reserved
  }

  async explain(text: string, parameters: readonly unknown[] = []): Promise<unknown> {
    const reason = explainProblem(text)
    if (reason !== undefined) throw poolError('POOL_EXPLAIN_REFUSED', { reason })
    const read = async (tx: Session) => (await tx.query(`EXPLAIN (FORMAT JSON) ${text}`, parameters))[0]
    const row = await this.begin(read, { readOnly: true, lane: 'reserve' })
    return row?.['QUERY PLAN']
  }

  status = () => this.watch.status(this.main, this.options.driverName)
  holders = () => this.watch.holders([...this.main.leases, ...this.reserved.leases])
  statements = (limit = 20) => this.watch.statements.top(limit)

  pause(): void {
    this.main.pause()
  }

  resume(): void {
    this.main.resume()
  }

  evict(pid?: number): number {
    return this.main.evict(pid) + this.reserved.evict(pid)
  }

  async drain(timeoutMs = 5_000): Promise<void> {
    await Promise.all([this.main.drain(timeoutMs), this.reserved.drain(timeoutMs)])
  }

  /** Run it every second. */
  housekeep(): void {
    const nowMs = this.options.clock.monotonic()
    for (const lane of [this.main, this.reserved]) {
      for (const lease of lane.leases) if (this.tools.executor.isOverdue(lease, nowMs)) lane.abandon(lease)
      this.watch.findLeaks(lane.leases, nowMs)
    }
    this.main.housekeep()
    this.reserved.housekeep()
  }

  private laneOf(lease: Lease<SqlConnection>): PoolState<SqlConnection> {
    return this.reserved.leases.has(lease) ? this.reserved : this.main
  }

  private async run(work: Work, options: QueryOptions): Promise<Rows> {
    try {
      return await this.once(work, options)
    } catch (thrown) {
      if (options.idempotent !== true || !isLost(thrown)) throw thrown
      return await this.once(work, options)
    }
  }

  private async once(work: Work, options: QueryOptions): Promise<Rows> {
    const lane = options.lane === 'reserve' ? this.reserved : this.main
    const borrower = currentBorrower(lane === this.main ? 'query' : 'internal', this)
    const got = lane.acquire(borrower, options.signal, options.timeoutMs)
    const lease = got instanceof Promise ? await got : got
    try {
      return await this.tools.executor.run(lease, work, options.signal)
    } finally {
      lane.release(lease, lease.inTransaction)
    }
  }

  private async lend(borrower: Borrower, { lane: name, signal, timeoutMs }: AcquireOptions) {
    const lane = name === 'reserve' ? this.reserved : this.main
    return { lane, lease: await lane.acquire(borrower, signal, timeoutMs) }
  }

  private async rollBack(lease: Lease<SqlConnection>, session: Session): Promise<void> {
    if (lease.inTransaction && lease.slot.state !== 'closed') await session.query('ROLLBACK').catch(() => {})
  }
}
