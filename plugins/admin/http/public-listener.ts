/** PURE. Whether the API may be on the public listener. */
import type { Conflict } from '../../../core/plugin.ts'
import type { AdminConfig } from '../config.ts'

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/

const conflict = (what: string): readonly Conflict[] => [{ path: ['listen'], what }]

/** @param server undefined when embedded @returns why not, and where to say otherwise; empty: it may */
export function publicListenerProblem(
  { listen }: Pick<AdminConfig, 'listen'>,
  server: { readonly host: string } | undefined,
): readonly Conflict[] {
  if (listen !== undefined) {
    if (listen.unix !== undefined || listen.tls !== undefined || loopback.test(listen.host)) return []
    return conflict(
      `expected tls, or a host on loopback: keys would cross the network in clear text, got host "${listen.host}"`,
    )
  }
  if (server === undefined) return conflict('expected a listener of its own, since an embedded Arkwatch has none')
  if (loopback.test(server.host)) return []
  return conflict(`expected a listener of its own, since the public one is on "${server.host}" and not on loopback`)
}
