/** The contract of pool for other plugins and applications. */
import { service } from '../../core/plugin.ts'

export type Row = Record<string, unknown>
/** The rows; the driver adds `count` and `command`. */
export type Rows<T = Row> = T[] & { readonly count?: number; readonly command?: string }

export interface AcquireOptions {
  /** Takes the borrower out of the waiting queue, or cancels the statement on the server. */
  readonly signal?: AbortSignal
  /** Milliseconds to wait for a connection. @default acquireTimeout */
  readonly timeoutMs?: number
  /** `reserve`: one of two connections kept for health and admin. @default 'main' */
  readonly lane?: 'main' | 'reserve'
}

export interface QueryOptions extends AcquireOptions {
  /** Whether the statement may run twice: a statement whose connection is lost is repeated once. @default false */
  readonly idempotent?: boolean
}

/** A statement in a template: runs when it is awaited; without that, the statement is a part for another template. */
export interface Statement<T = Row> extends PromiseLike<Rows<T>> {
  options(options: QueryOptions): Statement<T>
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Rows<T> | B>
  finally(settled?: (() => void) | null): Promise<Rows<T>>
}

/** Templates as users of postgres.js know them. */
export interface Sql {
  <T = Row>(strings: TemplateStringsArray, ...values: readonly unknown[]): Statement<T>
  /** Names, lists and rows for templates: `sql('column')`, `sql(row)`. */
  (first: object | string, ...rest: readonly unknown[]): unknown
  /** A value that is written as JSON. */
  json(value: unknown): unknown
  /** A value that is written as an array. */
  array(...values: readonly unknown[]): unknown
}

/** A connection that is held. */
export interface Session extends Sql {
  query<T = Row>(text: string, parameters?: readonly unknown[], options?: { signal?: AbortSignal }): Promise<Rows<T>>
  /** Runs `work` between SAVEPOINT and RELEASE, or ROLLBACK TO it when it throws. Only in a transaction. */
  savepoint<T>(work: (tx: Session) => PromiseLike<T>): Promise<T>
  /** Process id of the backend. */
  readonly pid: number
  /** The client itself, for cursors, COPY, LISTEN: unwatched. */
  readonly raw: unknown
}

export interface Reserved extends Session {
  /** Gives the connection back; an open transaction is rolled back. Safe twice. */
  release(): Promise<void>
}

export interface BeginOptions extends AcquireOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** @default false */
  readonly readOnly?: boolean
  /** How often a transaction that the server rolled back is run again: serialization failure, deadlock. @default 0 */
  readonly retries?: number
}

export interface PoolStatus {
  readonly name: string
  readonly driver: 'postgres' | 'bun'
  /** `total` = `active` + `idle` + `checking`. */
  readonly total: number
  readonly active: number
  readonly idle: number
  /** Idle ones that are asked for a sign of life before they are lent. */
  readonly silent: number
  readonly checking: number
  readonly connecting: number
  readonly waiting: number
  /** Milliseconds. */
  readonly oldestWaitMs: number
  /** Mean over the last full minute, borrowers that did not wait included. */
  readonly avgWaitMs: number
  readonly max: number
  readonly min: number
  /**
   * `unavailable`: the server cannot be reached. `drained`: the pool lends nothing until a restart of the plugin. The
   * health check, `arkwatch_pool_up` and the state of the plugin follow this state.
   */
  readonly state: 'ok' | 'paused' | 'unavailable' | 'drained'
  readonly paused: boolean
  /** The state is `unavailable`. */
  readonly unavailable: boolean
  /** Why the pool does not lend, or why the last attempt to connect failed; empty without a reason. */
  readonly problem: string
  readonly timeouts: number
  /** Borrowers refused because the waiting queue was full. */
  readonly refused: number
  readonly deadlocks: number
  /** Borrowers that gave up waiting. */
  readonly aborted: number
  readonly leaks: number
  readonly slow: number
  /** Connections opened, the reserve included; so are `closed` and `connectFailures`. */
  readonly created: number
  /** Connections closed, by cause. */
  readonly closed: Readonly<Record<string, number>>
  readonly connectFailures: number
  /** The connections for health and admin, which the other numbers leave out. */
  readonly reserve: { readonly total: number; readonly active: number; readonly idle: number }
}

/** The status of a pool that an application owns. */
export interface ForeignStatus
  extends Pick<PoolStatus, 'name' | 'active' | 'waiting' | 'oldestWaitMs' | 'avgWaitMs' | 'max' | 'leaks' | 'slow'> {
  readonly driver: 'pg' | 'postgres' | 'bun'
  readonly owned: false
  /** undefined where the client does not report the number: postgres.js and Bun.SQL. */
  readonly total: number | undefined
  readonly idle: number | undefined
}

export interface Watched<T> {
  /** The client to use: the same `pg.Pool`, or a stand-in for a postgres.js or Bun.SQL client. */
  readonly client: T
  status(): ForeignStatus
  /** Oldest first. */
  holders(): readonly Holder[]
  /** Stops watching. */
  stop(): void
}

export interface Holder {
  readonly pid: number
  readonly kind: 'query' | 'begin' | 'reserve' | 'internal'
  readonly sinceMs: number
  readonly heldMs: number
  readonly route: string | undefined
  readonly requestId: string | undefined
  /** Fingerprint of the last statement, no values. */
  readonly statement: string
  /** Milliseconds for which the statement has been running; undefined between statements. */
  readonly runningMs: number | undefined
  readonly idleInTransaction: boolean
  readonly leaked: boolean
  readonly stack: readonly string[]
}

/** Number and time of the statements of one fingerprint. */
export interface StatementStats {
  /** Of its fingerprint. */
  readonly id: string
  readonly statement: string
  readonly count: number
  readonly errors: number
  readonly totalMs: number
  readonly meanMs: number
  readonly maxMs: number
}

/** A statement that took longer than `slowStatement`. */
export interface SlowStatement extends Pick<Holder, 'kind' | 'pid' | 'statement'> {
  readonly pool: string
  readonly atMs: number
  readonly tookMs: number
  /** Of its fingerprint, for {@link Pool.explainStatement}. */
  readonly id: string
  readonly failed: boolean
  readonly route?: string
  readonly requestId?: string
}

/** The use of the pool by the requests of one route. */
export interface RouteUsage {
  readonly route: string
  /** Connections lent. */
  readonly count: number
  readonly heldMs: number
  readonly maxHeldMs: number
  readonly waitedMs: number
}

export interface Pool {
  readonly name: string
  readonly sql: Sql
  /**
   * @throws (rejects) POOL_TIMEOUT, POOL_QUEUE_FULL, POOL_DEADLOCK, POOL_UNAVAILABLE, POOL_CLOSED,
   *   POOL_CONNECTION_LOST, POOL_STATEMENT_TIMEOUT, the signal's reason, the error of the server
   */
  query<T = Row>(text: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<Rows<T>>
  /** Runs `work` in a transaction: committed at its return, rolled back if it throws. @throws also POOL_ROLLED_BACK */
  begin<T>(work: (tx: Session) => PromiseLike<T>, options?: BeginOptions): Promise<T>
  /** Lends a connection until its `release()`. */
  reserve(options?: AcquireOptions): Promise<Reserved>
  /** The plan of one SELECT, never run. @throws POOL_EXPLAIN_REFUSED */
  explain(text: string, parameters?: readonly unknown[]): Promise<unknown>
  /** The generic plan of a statement, which is not run. @throws POOL_STATEMENT_UNKNOWN, POOL_EXPLAIN_REFUSED */
  explainStatement(id: string): Promise<unknown>
  status(): PoolStatus
  /** Oldest first. */
  holders(): readonly Holder[]
  /** The fingerprints with the largest total time. @param limit @default 20 */
  statements(limit?: number): readonly StatementStats[]
  /** Slow statements, newest first. @param limit @default 50 */
  slow(limit?: number): readonly SlowStatement[]
  /** By time held. */
  routes(): readonly RouteUsage[]
  pause(): void
  resume(): void
  /** Closes idle connections, and lent ones at their release. @param pid only this one @returns the number closed */
  evict(pid?: number): number
  /** Stops lending and closes when all connections are released, or after `timeoutMs`. */
  drain(timeoutMs?: number): Promise<void>
}

export interface Pools {
  readonly names: readonly string[]
  /** @param name @default 'default' @throws POOL_UNKNOWN */
  get(name?: string): Pool
  /**
   * Shows a pool that the application owns as ours are shown: status, holders, leaks, slow statements, metrics. It is
   * not acted upon: it cannot be paused, evicted or drained here.
   * @param name `^[a-z][a-z0-9_]*$`, not that of another
   * @param client a `pg.Pool`, a postgres.js or a Bun.SQL client
   * @throws POOL_WATCH_REFUSED
   */
  watch<T>(name: string, client: T): Watched<T>
}
export const Pools = service<Pools>('pool')
