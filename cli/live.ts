/** Liveness over HTTP, as a container's health check reads it. Needs neither the control socket nor the main loop. */
import { mergeLayers } from '../core/config/merge-layers.ts'
import { locate, valueAt } from '../core/config/tree/node.ts'
import { messageOf } from '../core/contract/errors.ts'
import { environmentOverlays } from '../plugins/environment.ts'
import type { Cli } from './cli.ts'
import { cliError } from './errors.ts'

interface LiveAnswer {
  readonly url: string
  readonly live: boolean
  readonly httpStatus: number
}

/** The port of `server.port`. */
const defaultPort = 8080

/** The address to connect to, for an address that a listener binds to. */
const reachable = (host: string) => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

/**
 * The watchdog's listener, which answers when the main loop is stuck; else the public listener. Errors in the rest of
 * the configuration do not matter: the running process may have read an earlier version.
 */
async function addressOf({ configFile, env, cwd }: Cli): Promise<string> {
  const { tree: root } = await mergeLayers({ file: configFile, env, overlays: environmentOverlays, cwd }, [])
  const at = (path: readonly string[]) => {
    const read = (key: string, standard: unknown) => valueAt(root, [...path, key]) ?? standard
    const port = Number(read('port', path[0] === 'server' && locate(root, path).node ? defaultPort : 0))
    return port > 0 ? { host: String(read('host', '127.0.0.1')), port } : undefined
  }
  const isOn = valueAt(root, ['plugins', 'health', 'enabled']) !== false
  const address = (isOn ? at(['plugins', 'health', 'watchdog']) : undefined) ?? at(['server'])
  if (address === undefined) throw cliError('CLI_NO_LIVE_ADDRESS', { file: configFile })
  const host = reachable(address.host)
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/livez`
}

/** @param url @default what the configuration names @throws CLI_LIVE_UNREACHABLE, CLI_NO_LIVE_ADDRESS */
export async function checkLive(cli: Cli, url: string | undefined, timeoutMs: number): Promise<LiveAnswer> {
  const target = url ?? (await addressOf(cli))
  try {
    const { ok, status } = await fetch(target, { signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' })
    return { url: target, live: ok, httpStatus: status }
  } catch (thrown) {
    throw cliError('CLI_LIVE_UNREACHABLE', { url: target, reason: messageOf(thrown) }, thrown)
  }
}
