/** The parts of a PostgreSQL client that the pool uses. */
import type { Rows } from '../api.ts'
import type { PoolSection } from '../config.ts'
import type { PoolConnection } from '../lending/lease.ts'

/** A statement of a client: runs when it is awaited, and serves as a part of another statement until then. */
export interface RunningQuery extends PromiseLike<Rows> {
  /** The text that was sent, with `$1` for the parameters, where the client reports the text. */
  readonly string?: string
}

export interface SqlConnection extends PoolConnection {
  text(sql: string, parameters: readonly unknown[]): RunningQuery
  template(strings: TemplateStringsArray, values: readonly unknown[]): RunningQuery
  /** Asks the server to end a statement; safe twice. @returns settles when the server has the request; never rejects */
  cancel(running: RunningQuery): Promise<void>
  /** The rows of an answer, for a client whose answers hold more than the rows. */
  rowsOf?(answer: Rows): Rows
  /** The client itself, for what the pool does not offer: cursors, COPY, LISTEN. */
  readonly raw: unknown
}

export interface SqlDriver {
  /**
   * Opens a connection and runs a statement on the connection.
   * @param onClosed called when it ends by itself
   * @param signal ends the attempt and closes its socket
   */
  open(onClosed: () => void, signal: AbortSignal): Promise<SqlConnection>
  /** `sql(rows)`, `sql('column')`: parts of templates. */
  part(values: readonly unknown[]): unknown
  /** `sql.json(value)`, `sql.array(values)`: a value with a type. */
  typed(kind: 'json' | 'array', values: readonly unknown[]): unknown
}

export type DriverOptions = Pick<PoolSection, 'url' | 'connectTimeout' | 'statementTimeout'> & {
  readonly applicationName: string
}
