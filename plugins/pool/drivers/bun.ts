/** Connections by Bun's own client: one reserved connection for each client, which opens no further one. */
import { type ReservedSQL, SQL } from 'bun'
import type { DriverOptions, RunningQuery, SqlConnection, SqlDriver } from './driver.ts'

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => RunningQuery
type Parts = ((...values: readonly unknown[]) => unknown) & { array(...values: readonly unknown[]): unknown }

export async function bunDriver(options: DriverOptions): Promise<SqlDriver> {
  const { url, applicationName, connectTimeout, statementTimeout } = options
  const client = (onclose?: () => void) =>
    new SQL({
      url,
      max: 1,
      idleTimeout: 0,
      maxLifetime: 0,
      connectionTimeout: Math.ceil(connectTimeout / 1_000),
      ...(onclose && { onclose }),
      connection: {
        application_name: applicationName,
        ...(statementTimeout > 0 && { statement_timeout: String(statementTimeout) }),
      },
    } as never)
  const parts = client() as unknown as Parts
  return {
    part: (values) => parts(...values),
    // The client itself writes objects as JSON.
    typed: (kind, values) => (kind === 'json' ? values[0] : parts.array(...values)),
    async open(onClosed, signal) {
      signal.throwIfAborted()
      const sql = client(onClosed)
      const close = () => void sql.close({ timeout: 0 }).catch(() => {})
      signal.addEventListener('abort', close, { once: true })
      try {
        const reserved = await sql.reserve()
        const [row] = await reserved.unsafe('SELECT pg_backend_pid() AS pid')
        return connection(reserved, Number(row?.pid ?? 0), close)
      } catch (thrown) {
        close()
        throw thrown
      } finally {
        signal.removeEventListener('abort', close)
      }
    },
  }
}

const connection = (sql: ReservedSQL, pid: number, close: () => void): SqlConnection => ({
  pid,
  raw: sql,
  close,
  ping: async () => {
    await sql.unsafe('SELECT 1')
  },
  text: (text, parameters) => sql.unsafe(text, parameters as unknown[]) as unknown as RunningQuery,
  template: (strings, values) => (sql as unknown as Template)(strings, ...values),
  cancel: async (running) => void (running as unknown as { cancel(): unknown }).cancel(),
})
