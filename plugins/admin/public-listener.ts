/** PURE. Whether the API may be on the public listener. */
import type { AdminConfig } from './config.ts'

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/

/** @param server undefined when embedded @returns why not, and where to say otherwise */
export function publicListenerProblem(
  { listen }: Pick<AdminConfig, 'listen'>,
  server: { readonly host: string } | undefined,
): { readonly path: string; readonly what: string } | undefined {
  if (listen !== undefined) {
    if (listen.unix !== undefined || listen.tls !== undefined || loopback.test(listen.host)) return undefined
    return {
      path: 'listen',
      what: `expected tls, or a host on loopback: keys would cross the network in clear text, got host "${listen.host}"`,
    }
  }
  if (server === undefined)
    return { path: 'listen', what: 'expected a listener of its own, since an embedded Arkwatch has none' }
  if (loopback.test(server.host)) return undefined
  return {
    path: 'listen',
    what: `expected a listener of its own, since the public one is on "${server.host}" and not on loopback`,
  }
}
