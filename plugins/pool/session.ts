/** A connection in the hands of a borrower. */
import type { QueryOptions, Rows, Session } from './api.ts'
import type { SqlConnection, SqlDriver } from './drivers/driver.ts'
import type { Executor } from './executor.ts'
import type { Fingerprints } from './fingerprint.ts'
import type { Lease } from './lease.ts'
import { createSql, type Work } from './statement.ts'

export interface SessionTools {
  readonly driver: SqlDriver
  readonly executor: Executor
  readonly fingerprints: Fingerprints
}

/**
 * Statements run one after the other: none may slip onto a connection that the client opened anew.
 * @param whole cancels each statement that has no signal of its own
 */
export function createSession(
  lease: Lease<SqlConnection>,
  { driver, executor, fingerprints }: SessionTools,
  whole?: AbortSignal,
): Session {
  let last: Promise<unknown> | undefined
  const run = (work: Work, { signal = whole }: QueryOptions): Promise<Rows> => {
    const mine: Promise<Rows> =
      last === undefined
        ? executor.run(lease, work, signal)
        : last.then(
            () => executor.run(lease, work, signal),
            () => executor.run(lease, work, signal),
          )
    last = mine
    const done = () => {
      if (last === mine) last = undefined
    }
    mine.then(done, done)
    return mine
  }
  const query = (text: string, parameters: readonly unknown[] = [], options: QueryOptions = {}) =>
    run({ fingerprint: fingerprints.ofText(text), start: (connection) => connection.text(text, parameters) }, options)
  const session = Object.assign(createSql(driver, fingerprints, run), { query, pid: lease.connection.pid })
  return Object.defineProperty(session, 'raw', { get: () => lease.connection.raw }) as unknown as Session
}
