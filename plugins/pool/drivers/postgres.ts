/** Connections by postgres.js: clients of one connection each, so that only the pool decides who waits. */
import type { Sql } from 'postgres'
import { yieldToLoop } from '../../../core/plugin.ts'
import type { Rows } from '../api.ts'
import { type ArrayType, arrayTypesQuery, teachArrayTypes } from './array-types.ts'
import type { DriverOptions, RunningQuery, SqlConnection, SqlDriver } from './driver.ts'
import { ClientSockets } from './socket.ts'

type Connect = (url: string, options: Record<string, unknown>) => Sql
type Template = (strings: TemplateStringsArray, ...values: unknown[]) => RunningQuery
type Typed = Record<'json' | 'array', (...values: readonly unknown[]) => unknown>

/**
 * Over postgres.js, which the host has found installed. Its `reserve()` would be shorter, but a statement on
 * a reserved connection whose server was killed never ends.
 */
export async function postgresDriver(options: DriverOptions): Promise<SqlDriver> {
  const connect = (await import('postgres')).default as unknown as Connect
  const { url, applicationName, connectTimeout, statementTimeout } = options
  const client = (sockets: ClientSockets, onclose?: () => void) =>
    connect(url, {
      socket: sockets.make,
      max: 1,
      max_pipeline: 0,
      fetch_types: false,
      connect_timeout: Math.ceil(connectTimeout / 1_000),
      idle_timeout: null,
      max_lifetime: null,
      backoff: () => 0,
      onnotice: () => {},
      ...(onclose && { onclose }),
      connection: {
        application_name: applicationName,
        ...(statementTimeout > 0 && { statement_timeout: statementTimeout }),
      },
    })
  const parts = client(new ClientSockets()) as unknown as ((...values: readonly unknown[]) => unknown) & Typed
  return {
    part: (values) => parts(...values),
    typed: (kind, values) => parts[kind](...values),
    async open(onClosed, signal) {
      signal.throwIfAborted()
      const sockets = new ClientSockets()
      const sql = client(sockets, onClosed)
      const close = () => {
        const closed = () => sockets.close()
        sql.end({ timeout: 0 }).then(closed, closed)
      }
      signal.addEventListener('abort', close, { once: true })
      try {
        const [row] = await sql.unsafe('SELECT pg_backend_pid() AS pid')
        const types = await sql.unsafe<ArrayType[]>(arrayTypesQuery)
        for (const each of [sql, parts as unknown as Sql]) teachArrayTypes(each, types)
        return connection(sql, Number(row?.pid ?? 0), close)
      } catch (thrown) {
        close()
        throw thrown
      } finally {
        signal.removeEventListener('abort', close)
      }
    },
  }
}

/** The fields of a statement of postgres.js that its `cancel()` uses. */
interface Cancellable {
  /** The connection of the statement; null until the statement is sent. */
  readonly state: unknown
  /** Whether the server is at it: of another one, the promise of the canceller would never settle. */
  readonly active: boolean
  readonly canceller: ((statement: Cancellable) => Promise<void>) | null
}

/**
 * As `cancel()` of postgres.js does, but for two of its faults: (1) a statement cancelled before it is sent blocks its
 * client for ever, so it is sent first; (2) it drops the promise of the canceller, whose rejection could not be caught.
 */
async function cancel(statement: Cancellable): Promise<void> {
  if (statement.state === null) await yieldToLoop()
  if (statement.active) await statement.canceller?.(statement)
}

/**
 * A statement that fails after its first rows leaves their count in the client, whose next answer begins with as many
 * holes: https://github.com/porsager/postgres/issues/1119. The answers of several statements are a list of lists.
 */
function rowsOf(answer: Rows): Rows {
  const rows: unknown = Array.isArray(answer[0]) ? answer[0] : answer
  if (Array.isArray(rows) && rows.length > 0 && !(0 in rows)) {
    rows.splice(
      0,
      (rows as unknown[]).findIndex((row) => row !== undefined),
    )
  }
  return answer
}

const connection = (sql: Sql, pid: number, close: () => void): SqlConnection => ({
  pid,
  raw: sql,
  close,
  ping: async () => {
    await sql.unsafe('SELECT 1')
  },
  text: (text, parameters) =>
    sql.unsafe<Rows>(text, parameters as never[], { prepare: parameters.length > 0 }) as unknown as RunningQuery,
  template: (strings, values) => (sql as unknown as Template)(strings, ...values),
  rowsOf,
  cancel: (running) => cancel(running as unknown as Cancellable).catch(() => {}),
})
