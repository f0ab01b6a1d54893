/** Watches a `pg.Pool` of an application: its counts and events, and its `connect`, timed in place. */
import type { Lease } from '../lending/lease.ts'
import type { ForeignCounts, ForeignPool } from './foreign-pool.ts'

interface PgClient {
  readonly processID?: number
  query(...args: unknown[]): unknown
}
type Got = (error: Error | undefined, client: PgClient | undefined, release: unknown) => void

/** What is used of `pg.Pool`. @see https://node-postgres.com/apis/pool */
export interface PgPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly max?: number }
  connect(got?: Got): Promise<PgClient> | undefined
  on(event: string, listener: (...args: never[]) => void): unknown
  off(event: string, listener: (...args: never[]) => void): unknown
}

export const isPgPool = (client: unknown): client is PgPool =>
  typeof client === 'object' && client !== null && 'totalCount' in client && 'waitingCount' in client

export const pgCounts = (pool: PgPool) => (): ForeignCounts => ({
  total: pool.totalCount,
  idle: pool.idleCount,
  waiting: pool.waitingCount,
  max: pool.options.max ?? 10,
})

/** Removes our method, so that the method of the class is called again. */
const putBack = (owner: object, method: string): void => void Reflect.deleteProperty(owner, method)

const textOf = (query: unknown): string =>
  typeof query === 'string' ? query : String((query as { text?: unknown } | null)?.text ?? '')

/** Times the statements of a lent client. @returns undoes it */
function timeStatements(client: PgClient, lease: Lease, foreign: ForeignPool): () => void {
  const query = client.query
  client.query = function (this: PgClient, ...args: unknown[]) {
    const ended = foreign.statement(lease, textOf(args[0]))
    const last = args.at(-1)
    if (typeof last === 'function') {
      args[args.length - 1] = (error: unknown, ...rest: unknown[]) => {
        ended(error !== undefined && error !== null)
        return last(error, ...rest)
      }
      return query.apply(this, args)
    }
    const running = query.apply(this, args)
    if (running instanceof Promise)
      running.then(
        () => ended(false),
        () => ended(true),
      )
    return running
  }
  return () => putBack(client, 'query')
}

/** @returns stops watching; connections that are lent then are counted as released */
export function watchPgPool(pool: PgPool, foreign: ForeignPool): () => void {
  const connect = pool.connect
  const held = new Map<PgClient, { lease: Lease; undo: () => void }>()
  const take = (client: PgClient, asking: ReturnType<ForeignPool['ask']>) => {
    const lease = foreign.acquired(asking, client.processID ?? 0)
    held.set(client, { lease, undo: timeStatements(client, lease, foreign) })
  }
  const back = (client: PgClient) => {
    const found = held.get(client)
    held.delete(client)
    found?.undo()
    if (found !== undefined) foreign.released(found.lease)
  }
  const released = (_: unknown, client: PgClient) => back(client)
  pool.on('release', released)
  pool.on('remove', back)
  pool.connect = function (this: PgPool, got?: Got) {
    // `pool.query` asks with a callback, code of an application mostly without.
    const asking = foreign.ask(got === undefined ? 'reserve' : 'query')
    if (got !== undefined)
      return connect.call(this, (error, client, release) => {
        if (client === undefined) foreign.giveUp(asking)
        else take(client, asking)
        got(error, client, release)
      })
    return (connect.call(this) as Promise<PgClient>).then(
      (client) => {
        take(client, asking)
        return client
      },
      (error) => {
        foreign.giveUp(asking)
        throw error
      },
    )
  }
  return () => {
    putBack(pool, 'connect')
    pool.off('release', released)
    pool.off('remove', back)
    for (const client of [...held.keys()]) back(client)
  }
}
