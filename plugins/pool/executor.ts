/** Runs statements on a lent connection: one at a time, watched, cancelled on the server, with typed errors. */
import type { Cancel, Clock } from '../../core/clock.ts'
import type { Rows } from './api.ts'
import type { SqlConnection } from './drivers/driver.ts'
import { poolError } from './errors.ts'
import type { Lease } from './lease.ts'
import type { Work } from './statement.ts'

export interface ExecutorOptions {
  readonly name: string
  readonly clock: Clock
  statementTimeoutMs(): number
  /** Called after each statement. */
  ended(lease: Lease, work: Work, tookMs: number, failed: boolean): void
  /** Closes a connection from which nothing comes any more. */
  abandon(lease: Lease<SqlConnection>): void
}

/** How long a server may take to act on a cancellation. */
const cancelGraceMs = 5_000
const lostCodes = /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|ERR_POSTGRES_CONNECTION_CLOSED|ECONNRESET|EPIPE|57P0[123])$/

const codeOf = (thrown: unknown): string => {
  const { code, errno } = thrown as { code?: unknown; errno?: unknown }
  return typeof errno === 'string' ? errno : String(code ?? '')
}

/** Whether it says that the connection is gone. */
export const isLost = (thrown: unknown): boolean =>
  codeOf(thrown) === 'POOL_CONNECTION_LOST' || lostCodes.test(codeOf(thrown))

export class Executor {
  constructor(private readonly options: ExecutorOptions) {}

  /** @throws POOL_CONNECTION_LOST, POOL_RELEASED, POOL_STATEMENT_TIMEOUT, the signal's reason, the server's error */
  async run(lease: Lease<SqlConnection>, work: Work, signal?: AbortSignal): Promise<Rows> {
    const { name, clock } = this.options
    if (lease.released) throw poolError('POOL_RELEASED', { pool: name })
    if (lease.slot.state === 'closed') throw poolError('POOL_CONNECTION_LOST', { pool: name })
    signal?.throwIfAborted()
    const startedMs = clock.monotonic()
    lease.statement = work.fingerprint.text
    lease.statementSinceMs = startedMs
    let failed = true
    try {
      const rows = signal === undefined ? await work.start(lease.connection) : await this.abortable(lease, work, signal)
      failed = false
      if (work.fingerprint.opens !== undefined) lease.inTransaction = work.fingerprint.opens
      return rows
    } catch (thrown) {
      throw this.typed(thrown, lease, signal)
    } finally {
      lease.statementSinceMs = undefined
      this.options.ended(lease, work, clock.monotonic() - startedMs, failed)
    }
  }

  /** Statements that the server should have ended by itself long ago. */
  isOverdue(lease: Lease, nowMs: number): boolean {
    const limitMs = this.options.statementTimeoutMs()
    return (
      limitMs > 0 && lease.statementSinceMs !== undefined && nowMs - lease.statementSinceMs > limitMs + cancelGraceMs
    )
  }

  private async abortable(lease: Lease<SqlConnection>, work: Work, signal: AbortSignal): Promise<Rows> {
    const running = work.start(lease.connection)
    const { promise, reject } = Promise.withResolvers<never>()
    let cancelGrace: Cancel = () => {}
    const aborted = () => {
      running.cancel()
      cancelGrace = this.options.clock.after(cancelGraceMs, () => {
        this.options.abandon(lease)
        reject(signal.reason)
      })
    }
    signal.addEventListener('abort', aborted, { once: true })
    try {
      return await Promise.race([running, promise])
    } finally {
      cancelGrace()
      signal.removeEventListener('abort', aborted)
    }
  }

  private typed(thrown: unknown, lease: Lease, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason
    const { name } = this.options
    if (isLost(thrown)) return poolError('POOL_CONNECTION_LOST', { pool: name }, thrown)
    const timeoutMs = this.options.statementTimeoutMs()
    const timedOut = codeOf(thrown) === '57014' && /statement timeout/.test((thrown as Error).message)
    if (!timedOut) return thrown
    return poolError('POOL_STATEMENT_TIMEOUT', { pool: name, timeoutMs, statement: lease.statement }, thrown)
  }
}
