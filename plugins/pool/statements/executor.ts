/** Runs statements on a lent connection: watched, cancelled on the server, with typed errors. */
import type { Cancel, Clock } from '../../../core/plugin.ts'
import type { Rows } from '../api.ts'
import type { RunningQuery, SqlConnection } from '../drivers/driver.ts'
import { poolError } from '../errors.ts'
import type { Lease } from '../lending/lease.ts'
import type { PoolSettings } from '../lending/pool-options.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { Query } from './query.ts'

export interface ExecutorOptions {
  readonly name: string
  readonly clock: Clock
  /** In force. */
  settings(): Pick<PoolSettings, 'statementTimeout' | 'cancelTimeout'>
  /** Called after each statement. @param sample the text of the statement, if its fingerprint has no sample yet */
  ended(lease: Lease, shape: Fingerprint, tookMs: number, failed: boolean, sample: string | undefined): void
  /** Closes a connection: `broken`, it does not answer; `lost`, it ended while a statement ran. */
  abandon(lease: Lease<SqlConnection>, reason: 'broken' | 'lost'): void
}

/** Gives the connection back when its statement has ended. */
export type GiveBack = (lease: Lease<SqlConnection>, nowMs: number) => void

/** When a cancellation is sent again: the server forgets one that overtakes its statement. */
const cancelAgainMs = 100
const lostCodes = /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|ERR_POSTGRES_CONNECTION_CLOSED|ECONNRESET|EPIPE|57P0[123])$/

const codeOf = (thrown: unknown): string => {
  const { code, errno } = (thrown ?? {}) as { code?: unknown; errno?: unknown }
  return typeof errno === 'string' ? errno : String(code ?? '')
}

/** Bun's driver puts SQLSTATE into `errno`: copies it to `code`, where postgres.js has it. */
function withSqlState(thrown: unknown): unknown {
  const { code } = (thrown ?? {}) as { code?: unknown }
  if (code === 'ERR_POSTGRES_SERVER_ERROR')
    Object.defineProperty(thrown, 'code', { value: codeOf(thrown), configurable: true, writable: true })
  return thrown
}

/** Whether it says that the connection is gone. */
export const isLost = (thrown: unknown): boolean =>
  codeOf(thrown) === 'POOL_CONNECTION_LOST' || lostCodes.test(codeOf(thrown))

/** Whether the server undid a transaction that may succeed when it is run again: serialization failure, deadlock. */
export const isRepeatable = (thrown: unknown): boolean => /^40(001|P01)$/.test(codeOf(thrown))

export class Executor {
  constructor(private readonly options: ExecutorOptions) {}

  /**
   * Not an async function, because each statement runs this code.
   * @param nowMs monotonic milliseconds
   * @throws POOL_CONNECTION_LOST, POOL_RELEASED, POOL_STATEMENT_TIMEOUT, the signal's reason, the server's error
   */
  run(
    lease: Lease<SqlConnection>,
    query: Query,
    signal: AbortSignal | undefined,
    nowMs: number,
    giveBack?: GiveBack,
  ): Promise<Rows> {
    const { fingerprint } = query
    lease.statement = fingerprint.text
    lease.statementSinceMs = nowMs
    if (fingerprint.marks) lease.marked = true
    let running: RunningQuery
    try {
      this.refuse(lease, signal)
      running = query.start(lease.connection)
    } catch (thrown) {
      lease.statementSinceMs = undefined
      giveBack?.(lease, nowMs)
      return Promise.reject(thrown)
    }
    const settled = signal === undefined ? running : this.abortable(lease, running, signal)
    return settled.then(
      (rows) => {
        if (fingerprint.opens !== undefined) lease.inTransaction = fingerprint.opens
        const sample = fingerprint.row?.sample === undefined ? query.text(running) : undefined
        this.ended(lease, fingerprint, nowMs, false, sample, giveBack)
        return lease.connection.rowsOf?.(rows) ?? rows
      },
      (thrown) => {
        // The driver reports the end of the connection only after the error; until then it must not be lent.
        if (isLost(thrown)) this.options.abandon(lease, 'lost')
        this.ended(lease, fingerprint, nowMs, true, undefined, giveBack)
        throw this.typed(thrown, lease, signal)
      },
    ) as Promise<Rows>
  }

  private ended(
    lease: Lease<SqlConnection>,
    shape: Fingerprint,
    startedMs: number,
    failed: boolean,
    sample: string | undefined,
    giveBack: GiveBack | undefined,
  ): void {
    const endedMs = this.options.clock.monotonic()
    lease.statementSinceMs = undefined
    this.options.ended(lease, shape, endedMs - startedMs, failed, sample)
    giveBack?.(lease, endedMs)
  }

  /** Statements that the server should have ended by itself long ago. */
  isOverdue(lease: Lease, nowMs: number): boolean {
    const { statementTimeout, cancelTimeout } = this.options.settings()
    if (statementTimeout === 0 || lease.statementSinceMs === undefined) return false
    return nowMs - lease.statementSinceMs > statementTimeout + cancelTimeout
  }

  private refuse(lease: Lease, signal: AbortSignal | undefined): void {
    const { name: pool } = this.options
    if (lease.released) throw poolError('POOL_RELEASED', { pool })
    if (lease.entry.state === 'closed') throw poolError('POOL_CONNECTION_LOST', { pool })
    signal?.throwIfAborted()
  }

  private async abortable(lease: Lease<SqlConnection>, running: RunningQuery, signal: AbortSignal): Promise<Rows> {
    const { clock, abandon, settings } = this.options
    const { promise: givenUp, reject } = Promise.withResolvers<never>()
    const ended = new AbortController()
    let cancelled: { readonly sent: Promise<void>; readonly timer: Cancel } | undefined
    const aborted = () => {
      const timer = clock.after(settings().cancelTimeout, () => {
        abandon(lease, 'broken')
        reject(signal.reason)
      })
      cancelled = { sent: this.cancel(lease.connection, running, ended.signal), timer }
    }
    signal.addEventListener('abort', aborted, { once: true })
    try {
      return await Promise.race([running, givenUp])
    } finally {
      ended.abort()
      signal.removeEventListener('abort', aborted)
      // A cancellation on its way would hit the next statement of this connection.
      if (cancelled !== undefined) await Promise.race([cancelled.sent, givenUp]).catch(() => {})
      cancelled?.timer()
    }
  }

  private async cancel(connection: SqlConnection, running: RunningQuery, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await connection.cancel(running)
      if (ended.aborted) return
      await this.options.clock.sleep(cancelAgainMs, ended).catch(() => {})
    }
  }

  private typed(thrown: unknown, lease: Lease, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason
    const { name } = this.options
    if (isLost(thrown) || lease.entry.state === 'closed') {
      return poolError('POOL_CONNECTION_LOST', { pool: name }, thrown)
    }
    const timeoutMs = this.options.settings().statementTimeout
    const timedOut = codeOf(thrown) === '57014' && /statement timeout/.test((thrown as Error).message)
    if (!timedOut) return withSqlState(thrown)
    return poolError('POOL_STATEMENT_TIMEOUT', { pool: name, timeoutMs, statement: lease.statement }, thrown)
  }
}
