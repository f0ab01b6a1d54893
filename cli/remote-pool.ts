/** The commands of `arkwatch pool` over the admin API of a remote process. */
import { parseDuration } from '../core/contract/units.ts'

export type Args = Readonly<Record<string, unknown>>
export type Json = Record<string, unknown>
type Send = (method: string, path: string, body?: unknown) => Promise<{ json: Json }>

const enc = (value: unknown) => encodeURIComponent(String(value ?? 'default'))

/** The named pool, or every pool. */
const chosen = ({ pools }: Json, { pool }: Args) => {
  const all = pools as Json
  return { pools: pool === undefined ? all : { [String(pool)]: all[String(pool)] } }
}

type RemoteCommand = (send: Send, args: Args) => Promise<unknown>

function read(path: string): RemoteCommand {
  return async (send, args) => chosen((await send('GET', path)).json, args)
}
/** The API refuses a `pid` for an action on the whole pool. */
function act(action: string, more: (args: Args) => Json = () => ({})): RemoteCommand {
  return async (send, args) =>
    (await send('POST', `/admin/pool/${enc(args.pool)}/${action}`, { pid: args.pid, ...more(args) })).json
}

export const poolCommands: Readonly<Record<string, RemoteCommand>> = {
  pool: read('/admin/pool'),
  'pool.holders': read('/admin/pool/holders'),
  'pool.statements': read('/admin/pool/statements'),
  'pool.slow': read('/admin/pool/slow'),
  'pool.routes': read('/admin/pool/routes'),
  'pool.explain': async (send, { pool, fingerprint }) =>
    (await send('GET', `/admin/pool/${enc(pool)}/statements/${enc(fingerprint)}/plan`)).json,
  'pool.pause': act('pause'),
  'pool.resume': act('resume'),
  'pool.evict': act('evict'),
  'pool.drain': act('drain', ({ timeout }) =>
    timeout === undefined ? {} : { timeoutMs: parseDuration(String(timeout)) ?? String(timeout) },
  ),
}
