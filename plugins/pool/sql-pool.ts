/** One pool of PostgreSQL connections, for callers. */
import { withDeadline } from '../../core/plugin.ts'
import type { AcquireOptions, BeginOptions, Pool, QueryOptions, Reserved, Rows, Session, Sql } from './api.ts'
import type { SqlConnection, SqlDriver } from './drivers/driver.ts'
import { poolError } from './errors.ts'
import { currentBorrower, holdForRequest, whileHolding } from './lending/borrower.ts'
import { ConnectionPool } from './lending/connection-pool.ts'
import type { Borrower, Lease } from './lending/lease.ts'
import type { PoolSettings } from './lending/pool-options.ts'
import { Executor, type GiveBack, isLost, isRepeatable } from './statements/executor.ts'
import { explainSample, explainSelect } from './statements/explain.ts'
import { Fingerprints } from './statements/fingerprint.ts'
import { createSql, type Query, textQuery } from './statements/query.ts'
import { createSession, type SessionTools } from './statements/session.ts'
import { PoolWatch, type WatchOptions } from './watch/pool-watch.ts'
import { ServerWatch } from './watch/server-watch.ts'

/** The options that a reload may change. */
export interface SqlPoolTarget {
  readonly driver: SqlDriver
  readonly driverName: 'postgres' | 'bun'
  readonly settings: PoolSettings
}
export type SqlPoolOptions = WatchOptions & SqlPoolTarget

/** Connections kept for health and admin. */
const reserveSize = 2
const reserveSettings = (settings: PoolSettings): PoolSettings => ({
  ...settings,
  size: reserveSize,
  maxOverflow: 0,
  minIdle: 0,
  maxWaiting: 100,
})

/** Resets the session of a borrower, as `DISCARD ALL` does, but keeps prepared statements. */
const reset =
  'ROLLBACK; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES'

interface Lane {
  readonly state: ConnectionPool<SqlConnection>
  readonly giveBack: GiveBack
}

export class SqlPool implements Pool {
  readonly name: string
  readonly sql: Sql
  readonly watch: PoolWatch
  readonly main: ConnectionPool<SqlConnection>
  readonly reserved: ConnectionPool<SqlConnection>
  readonly server: ServerWatch
  private readonly lanes: { readonly main: Lane; readonly reserve: Lane }
  private readonly tools: SessionTools
  private target: SqlPoolTarget

  constructor(private readonly options: SqlPoolOptions) {
    const { name, clock, settings } = options
    this.name = name
    this.target = options
    this.watch = new PoolWatch(options)
    const connect = (onClosed: () => void, signal: AbortSignal) => this.target.driver.open(onClosed, signal)
    const { events } = this.watch
    this.main = new ConnectionPool<SqlConnection>({ name, settings, clock, connect, events })
    const { created, closed } = events
    const few = { settings: reserveSettings(settings), events: { created, closed } as typeof events }
    this.reserved = new ConnectionPool<SqlConnection>({ name: `${name}.reserve`, clock, connect, ...few })
    const question = (signal: AbortSignal) => this.query('SELECT 1', [], { lane: 'reserve', signal })
    this.server = new ServerWatch({ clock, main: this.main, reserve: this.reserved, question })
    const lane = (state: ConnectionPool<SqlConnection>): Lane => ({
      state,
      giveBack: (lease, nowMs) => this.giveBack(state, lease, nowMs),
    })
    this.lanes = { main: lane(this.main), reserve: lane(this.reserved) }
    const executor = new Executor({
      name,
      clock,
      settings: () => this.target.settings,
      ended: (lease, shape, tookMs, failed, sample) => this.watch.ended(lease, shape, tookMs, failed, sample),
      abandon: (lease, reason) => (this.reserved.leases.has(lease) ? this.reserved : this.main).abandon(lease, reason),
    })
    const driver: SessionTools['driver'] = {
      part: (values) => this.target.driver.part(values),
      typed: (kind, values) => this.target.driver.typed(kind, values),
    }
    this.tools = { clock, driver, executor, fingerprints: new Fingerprints() }
    this.sql = createSql(this.tools.driver, this.tools.fingerprints, (query, chosen) => this.run(query, chosen))
  }

  query<T>(text: string, parameters: readonly unknown[] = [], options?: QueryOptions): Promise<Rows<T>> {
    return this.run(textQuery(this.tools.fingerprints.ofText(text), text, parameters), options) as Promise<Rows<T>>
  }

  async begin<T>(work: (tx: Session) => PromiseLike<T>, options: BeginOptions = {}): Promise<T> {
    for (let left = options.retries ?? 0; ; left -= 1) {
      try {
        return await this.transaction(work, options)
      } catch (thrown) {
        if (left <= 0 || !isRepeatable(thrown)) throw thrown
      }
    }
  }

  async reserve(options: AcquireOptions = {}): Promise<Reserved> {
    const { lease, lane } = await this.lend(currentBorrower('reserve', this), options)
    const forget = holdForRequest(this, lease)
    const session = createSession(lease, this.tools)
    let released: Promise<void> | undefined
    const release = () => {
      released ??= this.endTransaction(lease, session).then(() => {
        forget()
        lane.giveBack(lease, this.options.clock.monotonic())
      })
      return released
    }
    return Object.assign(session, { release }) as Reserved
  }

  explain = (text: string, parameters: readonly unknown[] = []): Promise<unknown> =>
    explainSelect(this, text, parameters)

  explainStatement(id: string): Promise<unknown> {
    const row = this.watch.statements.find(id)
    if (row === undefined) throw poolError('POOL_STATEMENT_UNKNOWN', { pool: this.name, id })
    return explainSample(this, row)
  }

  status = () => this.watch.status(this.main, this.reserved, this.target.driverName, this.server.state())
  holders = () => this.watch.holders([...this.main.leases, ...this.reserved.leases])
  statements = (limit = 20) => this.watch.statements.top(limit)
  slow = (limit = 50) => this.watch.slow.latest(limit)
  routes = () => this.watch.routes.list()

  pause = () => this.main.pause()
  resume = () => this.main.resume()
  evict = (pid?: number) => this.main.evict(pid) + this.reserved.evict(pid)

  async drain(timeoutMs = 5_000): Promise<void> {
    await Promise.all([this.main.drain(timeoutMs), this.reserved.drain(timeoutMs)])
  }

  /** Sets other limits or another server. Waiting borrowers continue to wait, lent connections stay lent. */
  reconfigure(target: SqlPoolTarget): void {
    const isElsewhere = target.driver !== this.target.driver
    this.target = target
    this.watch.settings = target.settings
    this.main.reconfigure(target.settings)
    this.reserved.reconfigure(reserveSettings(target.settings))
    if (!isElsewhere) return
    this.server.reset()
    this.evict()
  }

  /** Run it every second. */
  housekeep(): void {
    const nowMs = this.options.clock.monotonic()
    for (const lane of [this.main, this.reserved]) {
      for (const lease of lane.leases) if (this.tools.executor.isOverdue(lease, nowMs)) lane.abandon(lease, 'broken')
      this.watch.findLeaks(lane.leases, nowMs)
    }
    this.main.housekeep()
    this.reserved.housekeep()
    this.watch.housekeep(nowMs)
  }

  private run(query: Query, options: QueryOptions | undefined): Promise<Rows> {
    const first = this.once(query, options)
    if (options?.idempotent !== true) return first
    return first.catch((thrown) => {
      if (!isLost(thrown)) throw thrown
      return this.once(query, options)
    })
  }

  /** Not an async function, because each statement runs this code. */
  private once(query: Query, options: QueryOptions | undefined): Promise<Rows> {
    const isMain = options?.lane !== 'reserve'
    const { state, giveBack } = isMain ? this.lanes.main : this.lanes.reserve
    const { executor } = this.tools
    let lent: Lease<SqlConnection> | Promise<Lease<SqlConnection>>
    try {
      lent = state.acquire(currentBorrower(isMain ? 'query' : 'internal', this), options?.signal, options?.timeoutMs)
    } catch (thrown) {
      return Promise.reject(thrown)
    }
    if (!(lent instanceof Promise)) return executor.run(lent, query, options?.signal, lent.sinceMs, giveBack)
    return lent.then((lease) => executor.run(lease, query, options?.signal, lease.sinceMs, giveBack))
  }

  private async lend(borrower: Borrower, { lane: name = 'main', signal, timeoutMs }: AcquireOptions) {
    const lane = this.lanes[name]
    return { lane, lease: await lane.state.acquire(borrower, signal, timeoutMs) }
  }

  /** Closes a connection in a transaction, and cleans one that may bear marks of its borrower. */
  private giveBack(lane: ConnectionPool<SqlConnection>, lease: Lease<SqlConnection>, nowMs: number): void {
    if (!lease.marked || lease.inTransaction || lease.entry.state === 'closed')
      return void lane.release(lease, lease.inTransaction, nowMs)
    const { validationTimeout } = this.target.settings
    const cleaned = lease.connection.text(reset, [])
    withDeadline<unknown>(cleaned, validationTimeout, this.options.clock, () => new Error('not in time')).then(
      () => lane.release(lease),
      () => lane.release(lease, true),
    )
  }

  private async transaction<T>(work: (tx: Session) => PromiseLike<T>, options: BeginOptions): Promise<T> {
    const { isolation, readOnly = false, signal } = options
    const { lease, lane } = await this.lend(currentBorrower('begin', this), options)
    const tx = createSession(lease, this.tools, signal)
    // Also where BEGIN is aborted: then it is not known whether the server has begun.
    lease.inTransaction = true
    try {
      await tx.query(`BEGIN${isolation ? ` ISOLATION LEVEL ${isolation}` : ''}${readOnly ? ' READ ONLY' : ''}`)
      const result = await whileHolding(this, lease, () => work(tx))
      signal?.throwIfAborted()
      const { command } = await tx.query('COMMIT')
      if (command === 'ROLLBACK') throw poolError('POOL_ROLLED_BACK', { pool: this.name })
      return result
    } catch (thrown) {
      await this.endTransaction(lease, createSession(lease, this.tools))
      throw thrown
    } finally {
      lane.giveBack(lease, this.options.clock.monotonic())
    }
  }

  private async endTransaction(lease: Lease<SqlConnection>, session: Session): Promise<void> {
    if (lease.inTransaction && lease.entry.state !== 'closed') await session.query('ROLLBACK').catch(() => {})
  }
}
