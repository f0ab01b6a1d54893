/** The pools on the control socket, for the CLI. */

import { type Contribution, type ControlCommand, controlCommand, parseDuration } from '../../core/plugin.ts'
import type { Pool } from './api.ts'
import type { NamedPools } from './engine.ts'
import { poolError } from './errors.ts'
import { statusOf } from './pgbouncer.ts'

export type Shown = ReturnType<NamedPools['find']>

type Args = Readonly<Record<string, unknown>>
interface ActionArgs {
  readonly pid?: number | undefined
  readonly timeoutMs?: number | undefined
}

/** The actions of an operator on a pool. @returns further fields of the answer */
export const poolActions = {
  pause: (pool: Pool) => pool.pause(),
  resume: (pool: Pool) => pool.resume(),
  evict: (pool: Pool, { pid }: ActionArgs) => ({ evicted: pool.evict(pid) }),
  drain: (pool: Pool, { timeoutMs }: ActionArgs) => pool.drain(timeoutMs),
} as const
export type PoolAction = keyof typeof poolActions

/** @throws POOL_UNKNOWN, POOL_NOT_OWNED, POOL_CLOSED: a drained pool takes no other action */
export async function act(pools: NamedPools, action: PoolAction, name: string | undefined, args: ActionArgs) {
  const pool = pools.get(name)
  if (action !== 'drain' && pool.status().state === 'drained') throw poolError('POOL_CLOSED', { pool: pool.name })
  const result = await poolActions[action](pool, args)
  pools.reportState()
  return { pool: pool.name, action, ...result, status: pool.status() }
}

const whole = (value: unknown) => (Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined)

function argument(args: Args, name: string, read: (value: unknown) => number | undefined, expected: string) {
  const value = args[name] ?? undefined
  const number = value === undefined ? undefined : read(value)
  if (value === undefined || number !== undefined) return number
  throw poolError('POOL_ARGUMENT', { name, seen: JSON.stringify(value), expected })
}

/** `{ pool? }` each; without it all pools are read, and `default` is acted upon. */
export function poolCommands(pools: NamedPools): Contribution<ControlCommand>[] {
  const named = ({ pool }: Args) => (pool === undefined || pool === null ? undefined : String(pool))
  const read = (name: string, of: (pool: Shown) => unknown) =>
    controlCommand({
      name,
      run(args) {
        const one = named(args)
        const chosen = one === undefined ? pools.all : [pools.find(one)]
        return { pools: Object.fromEntries(chosen.map((each) => [each.name, of(each)])) }
      },
    })
  const command = (action: PoolAction) =>
    controlCommand({
      name: `pool.${action}`,
      changes: () => true,
      async run(args) {
        const pid = argument(args, 'pid', whole, 'a whole number above 0')
        const timeoutMs = argument(args, 'timeout', (value) => parseDuration(String(value)), 'a duration such as 5s')
        return act(pools, action, named(args), { pid, timeoutMs })
      },
    })
  return [
    read('pool', statusOf),
    ...(['holders', 'statements', 'slow', 'routes'] as const).map((list) =>
      read(`pool.${list}`, (pool) => pool[list]()),
    ),
    controlCommand({
      name: 'pool.explain',
      run: async (args) => ({ plan: await pools.get(named(args)).explainStatement(String(args.fingerprint)) }),
    }),
    ...(Object.keys(poolActions) as PoolAction[]).map(command),
  ]
}
