/** A connection in the hands of a borrower. */
import type { Clock } from '../../../core/plugin.ts'
import type { QueryOptions, Rows, Session } from '../api.ts'
import type { SqlConnection, SqlDriver } from '../drivers/driver.ts'
import type { Lease } from '../lending/lease.ts'
import type { Executor } from './executor.ts'
import type { Fingerprints } from './fingerprint.ts'
import { createSql, type Query, textQuery } from './query.ts'

export interface SessionTools {
  readonly clock: Clock
  readonly driver: Omit<SqlDriver, 'open'>
  readonly executor: Executor
  readonly fingerprints: Fingerprints
}

/**
 * Statements run one after the other, so that none runs on a further connection of the client.
 * @param whole cancels each statement that has no signal of its own
 */
export function createSession(
  lease: Lease<SqlConnection>,
  { clock, driver, executor, fingerprints }: SessionTools,
  whole?: AbortSignal,
): Session {
  let last: Promise<unknown> | undefined
  const run = (query: Query, { signal = whole }: QueryOptions = {}): Promise<Rows> => {
    const start = () => executor.run(lease, query, signal, clock.monotonic())
    const mine: Promise<Rows> = last === undefined ? start() : last.then(start, start)
    last = mine
    const done = () => {
      if (last === mine) last = undefined
    }
    mine.then(done, done)
    return mine
  }
  const query = (text: string, parameters: readonly unknown[] = [], options?: QueryOptions) =>
    run(textQuery(fingerprints.ofText(text), text, parameters), options)
  let savepoints = 0
  const savepoint = async <T>(work: (tx: Session) => PromiseLike<T>): Promise<T> => {
    savepoints += 1
    const name = `arkwatch_${savepoints}`
    await query(`SAVEPOINT ${name}`)
    try {
      const result = await work(session)
      await query(`RELEASE SAVEPOINT ${name}`)
      return result
    } catch (thrown) {
      await query(`ROLLBACK TO SAVEPOINT ${name}`)
      throw thrown
    }
  }
  const session: Session = Object.assign(createSql(driver, fingerprints, run), {
    query,
    savepoint,
    pid: lease.connection.pid,
  }) as unknown as Session
  // The use of the client itself is not seen.
  const raw = () => {
    lease.marked = true
    return lease.connection.raw
  }
  return Object.defineProperty(session, 'raw', { get: raw })
}
