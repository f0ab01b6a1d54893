/** The pools on the control socket, for the CLI. */
import { type Contribution, type ControlCommand, controlCommand, duration, z } from '../../core/plugin.ts'
import type { Pool } from './api.ts'
import type { NamedPools } from './engine.ts'
import { poolError } from './errors.ts'
import { statusOf } from './pgbouncer.ts'

export type Shown = ReturnType<NamedPools['find']>

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

const named = z.strictObject({ pool: z.string().optional() })
// The command line gives each action its default of the time limit.
const acted = named.extend({ timeout: duration({ max: '60s' }).optional() })
const evicted = acted.extend({ pid: z.int().min(1).max(2_147_483_647).optional() })

/** Without `pool` all pools are read, and `default` is acted upon. */
export function poolCommands(pools: NamedPools): Contribution<ControlCommand>[] {
  const read = (name: string, of: (pool: Shown) => unknown) =>
    controlCommand({
      name,
      args: named,
      run({ pool }) {
        const chosen = pool === undefined ? pools.all : [pools.find(pool)]
        return { pools: Object.fromEntries(chosen.map((each) => [each.name, of(each)])) }
      },
    })
  const command = (action: PoolAction) =>
    controlCommand({
      name: `pool.${action}`,
      args: action === 'evict' ? evicted : acted,
      changes: () => true,
      run: ({ pool, pid, timeout: timeoutMs }: { pool?: string; pid?: number; timeout?: number }) =>
        act(pools, action, pool, { pid, timeoutMs }),
    })
  return [
    read('pool', statusOf),
    ...(['holders', 'statements', 'slow', 'routes'] as const).map((list) =>
      read(`pool.${list}`, (pool) => pool[list]()),
    ),
    controlCommand({
      name: 'pool.explain',
      args: named.extend({ fingerprint: z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 hexadecimal digits') }),
      run: async ({ pool, fingerprint }) => ({ plan: await pools.get(pool).explainStatement(fingerprint) }),
    }),
    ...(Object.keys(poolActions) as PoolAction[]).map(command),
  ]
}
