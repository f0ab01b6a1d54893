/** `arkwatch pool [ACTION] [FINGERPRINT]` */

import { exitCodes } from '../../core/exit-codes.ts'
import type { Holder, PoolStatus, RouteUsage, SlowStatement, StatementStats } from '../../plugins/pool/api.ts'
import { answer, type Command } from '../cli.ts'
import { cliError } from '../errors.ts'
import { instance } from '../instance.ts'
import { pidOption } from '../option-values.ts'
import { table } from '../output/table.ts'

type Options = { readonly pool?: string; readonly pid?: string; readonly timeout?: string }
/** The answer of an action; `evicted` counts connections. */
type Acted = { readonly pool: string; readonly status: PoolStatus; readonly evicted?: number }
type Named<T> = Readonly<Record<string, T>>

const ms = (value: number) => `${Math.round(value)} ms`
/** A pool that the application owns reports less. */
const cellOf = (value: unknown) => String(value ?? '')
const rows = <T>(pools: Named<readonly T[]>, cells: (one: T) => string[]) =>
  Object.entries(pools).flatMap(([pool, all]) => all.map((one) => [pool, ...cells(one)]))

function statusTable(pools: Named<PoolStatus>): string {
  const lines = Object.values(pools).map((pool) => [
    pool.name,
    // A pool that the application owns has no state of its own here.
    pool.state ?? 'watched',
    ...[pool.total, pool.active, pool.idle, pool.waiting, pool.max].map(cellOf),
    ms(pool.oldestWaitMs),
    ...[pool.timeouts, pool.leaks, pool.problem].map(cellOf),
  ])
  const head = ['pool', 'state', 'total', 'active', 'idle', 'waiting', 'max', 'maxwait', 'timeouts', 'leaks', 'reason']
  return table(head, lines)
}

const holderCells = ({ pid, kind, heldMs, idleInTransaction, runningMs, route = '', statement }: Holder) => {
  const state = idleInTransaction
    ? 'idle in transaction'
    : runningMs === undefined
      ? 'idle'
      : `running ${ms(runningMs)}`
  return [String(pid), kind, ms(heldMs), state, route, statement]
}
const statementCells = ({ id, count, totalMs, meanMs, maxMs, statement }: StatementStats) => {
  return [id, String(count), ms(totalMs), `${meanMs.toFixed(1)} ms`, ms(maxMs), statement]
}
const slowCells = ({ atMs, tookMs, id, route = '', statement }: SlowStatement) => {
  return [new Date(atMs).toISOString().slice(0, 19), ms(tookMs), id, route, statement]
}
const routeCells = ({ route, count, heldMs, maxHeldMs, waitedMs }: RouteUsage) => {
  return [route, String(count), ms(heldMs), ms(maxHeldMs), ms(waitedMs)]
}

/** What is read, and how it is shown. */
const reads: Readonly<Record<string, (pools: never) => string>> = {
  status: statusTable,
  holders: (pools: Named<Holder[]>) =>
    table(['pool', 'pid', 'kind', 'held', 'state', 'route', 'statement'], rows(pools, holderCells)),
  statements: (pools: Named<StatementStats[]>) =>
    table(['pool', 'fingerprint', 'count', 'total', 'mean', 'max', 'statement'], rows(pools, statementCells)),
  slow: (pools: Named<SlowStatement[]>) =>
    table(['pool', 'at', 'took', 'fingerprint', 'route', 'statement'], rows(pools, slowCells)),
  routes: (pools: Named<RouteUsage[]>) =>
    table(['pool', 'route', 'lent', 'held', 'longest', 'waited'], rows(pools, routeCells)),
}
const acts = ['pause', 'resume', 'evict', 'drain']

export const pool: Command<[string?, string?], Options> = async (cli, options, what = 'status', fingerprint) => {
  const { pool: name, pid, timeout } = options
  const show = Object.hasOwn(reads, what) ? reads[what] : undefined
  if (show !== undefined) {
    const command = what === 'status' ? 'pool' : `pool.${what}`
    return answer(cli, await instance(cli).call<{ pools: never }>(command, { pool: name }), ({ pools }) => show(pools))
  }
  if (what === 'explain') {
    const usage = '`pool explain` takes a fingerprint, as `arkwatch pool statements` shows it'
    if (fingerprint === undefined) throw cliError('CLI_USAGE', { what: usage })
    const { plan } = await instance(cli).call<{ plan: unknown }>('pool.explain', { pool: name, fingerprint })
    return answer(cli, { plan }, () => JSON.stringify(plan, undefined, 2))
  }
  if (!acts.includes(what)) {
    const known = [...Object.keys(reads), 'explain', ...acts].join(', ')
    throw cliError('CLI_USAGE', { what: `there is no \`pool ${what}\`; there are ${known}` })
  }
  const args = { pool: name, pid: pid === undefined ? undefined : pidOption(pid), timeout }
  const done = await instance(cli).call<Acted>(`pool.${what}`, args)
  const exitCode = answer(cli, done, ({ pool, status }) => statusTable({ [pool]: status }))
  if (done.evicted === undefined) return exitCode
  if (!cli.json) cli.warn(`connections evicted: ${done.evicted}`)
  return pid !== undefined && done.evicted === 0 ? exitCodes.negative : exitCode
}
