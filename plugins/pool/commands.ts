/** The pools on the control socket, for the CLI. */

import { type Contribution, type ControlCommand, controlCommand, parseDuration } from '../../core/plugin.ts'
import type { Pool } from './api.ts'
import type { NamedPools } from './engine.ts'
import { poolError } from './errors.ts'
import { statusOf } from './pgbouncer.ts'

/** A pool of the configuration or of the application. */
type Shown = ReturnType<NamedPools['find']>

type Args = Readonly<Record<string, unknown>>

/** The actions of an operator on a pool. @returns further fields of the answer */
export const poolActions = {
  pause: (pool: Pool) => pool.pause(),
  resume: (pool: Pool) => pool.resume(),
  evict: (pool: Pool, { pid }: { pid?: number | undefined }) => ({ evicted: pool.evict(pid) }),
  drain: (pool: Pool, { timeoutMs }: { timeoutMs?: number | undefined }) => pool.drain(timeoutMs),
} as const
export type PoolAction = keyof typeof poolActions

function wholeNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value)
  throw poolError('POOL_ARGUMENT', { name, seen: JSON.stringify(value), expected: 'a whole number above 0' })
}

function milliseconds(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const ms = parseDuration(String(value))
  if (ms !== undefined) return ms
  throw poolError('POOL_ARGUMENT', { name, seen: JSON.stringify(value), expected: 'a duration such as 5s' })
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
  const act = (action: PoolAction) =>
    controlCommand({
      name: `pool.${action}`,
      changes: () => true,
      async run(args) {
        const pool = pools.get(named(args))
        const options = { pid: wholeNumber('pid', args.pid), timeoutMs: milliseconds('timeout', args.timeout) }
        const result = await poolActions[action](pool, options)
        return { pool: pool.name, action, ...result, status: pool.status() }
      },
    })
  return [
    read('pool', statusOf),
    read('pool.holders', (pool) => pool.holders()),
    read('pool.statements', (pool) => pool.statements()),
    read('pool.slow', (pool) => pool.slow()),
    read('pool.routes', (pool) => pool.routes()),
    controlCommand({
      name: 'pool.explain',
      run: async (args) => ({ plan: await pools.get(named(args)).explainStatement(String(args.fingerprint)) }),
    }),
    ...(Object.keys(poolActions) as PoolAction[]).map(act),
  ]
}
