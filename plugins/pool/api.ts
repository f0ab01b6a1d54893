/** What other plugins and applications may use of pool. */
import { service } from '../../core/token.ts'

export type Row = Record<string, unknown>
/** The rows; the driver adds `count` and `command`. */
export type Rows<T = Row> = T[] & { readonly count?: number; readonly command?: string }

export interface AcquireOptions {
  /** Takes the borrower out of the line, or cancels the statement on the server. */
  readonly signal?: AbortSignal
  /** Milliseconds to wait for a connection. @default acquireTimeout */
  readonly timeoutMs?: number
  /** `reserve`: one of two connections kept for health and admin. @default 'main' */
  readonly lane?: 'main' | 'reserve'
}

export interface QueryOptions extends AcquireOptions {
  /** It may run twice: it is repeated once where the connection is lost. @default false */
  readonly idempotent?: boolean
}

/** A statement in a template. It runs when awaited; unawaited, it is a part for another template. */
export interface Statement<T = Row> extends PromiseLike<Rows<T>> {
  options(options: QueryOptions): Statement<T>
}

/** Templates as users of postgres.js know them. */
export interface Sql {
  <T = Row>(strings: TemplateStringsArray, ...values: readonly unknown[]): Statement<T>
  /** Names, lists and rows for templates: `sql('column')`, `sql(row)`. */
  (first: object | string, ...rest: readonly unknown[]): unknown
}

/** A connection that is held. */
export interface Session extends Sql {
  query<T = Row>(text: string, parameters?: readonly unknown[], options?: { signal?: AbortSignal }): Promise<Rows<T>>
  /** Process id of the backend. */
  readonly pid: number
  /** The client itself, for cursors, COPY, LISTEN. */
  readonly raw: unknown
}

export interface Reserved extends Session {
  /** Gives it back; an open transaction is rolled back. Safe twice. */
  release(): Promise<void>
}

export interface BeginOptions extends AcquireOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** @default false */
  readonly readOnly?: boolean
}

export interface PoolStatus {
  readonly name: string
  readonly driver: 'postgres' | 'bun'
  /** `total` = `active` + `idle` + `checking`. */
  readonly total: number
  readonly active: number
  readonly idle: number
  readonly checking: number
  readonly connecting: number
  readonly waiting: number
  /** Milliseconds. */
  readonly oldestWaitMs: number
  readonly max: number
  readonly min: number
  readonly paused: boolean
  /** The server cannot be reached: borrowers are refused at once. */
  readonly unavailable: boolean
  /** Why connections cannot be made, empty while they can. */
  readonly problem: string
  readonly timeouts: number
  readonly deadlocks: number
  readonly leaks: number
  readonly created: number
  readonly connectFailures: number
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
  /** Milliseconds that it runs by now; undefined between statements. */
  readonly runningMs: number | undefined
  readonly idleInTransaction: boolean
  readonly leaked: boolean
  readonly stack: readonly string[]
}

/** What statements of one shape took. */
export interface StatementStats {
  readonly statement: string
  readonly count: number
  readonly errors: number
  readonly totalMs: number
  readonly maxMs: number
}

export interface Pool {
  readonly name: string
  readonly sql: Sql
  /**
   * @throws (rejects) POOL_TIMEOUT, POOL_QUEUE_FULL, POOL_DEADLOCK, POOL_UNAVAILABLE, POOL_CLOSED,
   *   POOL_CONNECTION_LOST, POOL_STATEMENT_TIMEOUT, the signal's reason, the error of the server
   */
  query<T = Row>(text: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<Rows<T>>
  /** Runs `work` in a transaction: committed when it returns, rolled back when it throws. @throws also POOL_ROLLED_BACK */
  begin<T>(work: (tx: Session) => Promise<T>, options?: BeginOptions): Promise<T>
  /** Lends a connection until its `release()`. */
  reserve(options?: AcquireOptions): Promise<Reserved>
  /** The plan of one SELECT, never run. @throws POOL_EXPLAIN_REFUSED */
  explain(text: string, parameters?: readonly unknown[]): Promise<unknown>
  status(): PoolStatus
  /** Oldest first. */
  holders(): readonly Holder[]
  /** The most costly shapes by time in all. @param limit @default 20 */
  statements(limit?: number): readonly StatementStats[]
  pause(): void
  resume(): void
  /** Renews connections, those that are lent when they come back. @param pid only this one @returns how many */
  evict(pid?: number): number
  /** Lends no more and closes when all is back, or after `timeoutMs`. */
  drain(timeoutMs?: number): Promise<void>
}

export interface Pools {
  readonly names: readonly string[]
  /** @param name @default 'default' @throws POOL_UNKNOWN */
  get(name?: string): Pool
}
export const Pools = service<Pools>('pool')
