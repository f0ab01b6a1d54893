/** Watches a postgres.js or Bun.SQL client of an application through a stand-in, since neither has statistics. */
import type { Lease } from '../lending/lease.ts'
import type { ForeignCounts, ForeignPool } from './foreign-pool.ts'

type Transaction = (tx: SqlClient, ...rest: unknown[]) => unknown

/** What is used of postgres.js and Bun.SQL. */
export interface SqlClient {
  (first: unknown, ...rest: unknown[]): unknown
  readonly options: { readonly max?: number; readonly adapter?: string }
  unsafe(text: string, ...rest: unknown[]): unknown
  begin(...args: unknown[]): Promise<unknown>
  reserve(): Promise<SqlClient & { release(): unknown }>
}

export const isSqlClient = (client: unknown): client is SqlClient =>
  typeof client === 'function' && ['begin', 'reserve', 'unsafe', 'options'].every((key) => key in client)

/** Neither client reports how many connections are open or free. */
export const sqlCounts = (client: SqlClient) => (): ForeignCounts => ({
  total: undefined,
  idle: undefined,
  waiting: undefined,
  max: client.options.max ?? 10,
})

const isTemplate = (first: unknown): first is readonly string[] => Array.isArray(first) && 'raw' in first

/** Times a statement that runs when it is awaited: once, from then on. Both clients return promises of a subclass. */
function timed<T>(running: T, begin: () => (failed: boolean) => void): T {
  const then = (running as { then?: (...args: unknown[]) => Promise<unknown> } | null)?.then
  if (typeof then !== 'function') return running
  let begun = false
  const measured = function (this: unknown, ...args: unknown[]) {
    if (!begun) {
      begun = true
      const ended = begin()
      then.call(
        running,
        () => ended(false),
        () => ended(true),
      )
    }
    return then.apply(running, args)
  }
  Object.defineProperty(running, 'then', { value: measured, configurable: true, writable: true })
  return running
}

/** @param begin notes a statement */
function standIn<C extends SqlClient>(
  client: C,
  begin: (text: string | readonly string[]) => (failed: boolean) => void,
  own: Readonly<Record<string, unknown>>,
): C {
  const unsafe = (text: string, ...rest: unknown[]) => timed(client.unsafe(text, ...rest), () => begin(text))
  const members: Readonly<Record<PropertyKey, unknown>> = { unsafe, ...own }
  return new Proxy(client, {
    apply(target, _, args: [unknown, ...unknown[]]) {
      const [first] = args
      const running = Reflect.apply(target, undefined, args)
      return isTemplate(first) ? timed(running, () => begin(first)) : running
    },
    get: (target, key) => (Object.hasOwn(members, key) ? members[key] : Reflect.get(target, key)),
  })
}

/** @returns the client to use from now on: the measured stand-in of `client` */
export function watchSqlClient<C extends SqlClient>(client: C, foreign: ForeignPool): C {
  const onHeld = <S extends SqlClient>(session: S, lease: Lease, own: Record<string, unknown> = {}): S =>
    standIn(session, (text) => foreign.statement(lease, text), own)
  const alone = (text: string | readonly string[]) => {
    const lease = foreign.acquired(foreign.ask('query'), 0)
    const ended = foreign.statement(lease, text)
    return (failed: boolean) => {
      ended(failed)
      foreign.released(lease)
    }
  }
  const begin = async (...args: unknown[]) => {
    const at = args.findLastIndex((arg) => typeof arg === 'function')
    const work = args[at] as Transaction
    const asking = foreign.ask('begin')
    let lease: Lease | undefined
    const measured: Transaction = (tx, ...rest) => {
      lease = foreign.acquired(asking, 0)
      lease.inTransaction = true
      return work(onHeld(tx, lease), ...rest)
    }
    try {
      return await client.begin(...args.with(at, measured))
    } finally {
      if (lease === undefined) foreign.giveUp(asking)
      else foreign.released(lease)
    }
  }
  const reserve = async () => {
    const asking = foreign.ask('reserve')
    try {
      const session = await client.reserve()
      const lease = foreign.acquired(asking, 0)
      const release = () => {
        foreign.released(lease)
        return session.release()
      }
      return onHeld(session, lease, { release })
    } finally {
      foreign.giveUp(asking)
    }
  }
  return standIn(client, alone, { begin, reserve })
}
