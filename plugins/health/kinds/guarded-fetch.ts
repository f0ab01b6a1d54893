/** Fetches without being led to where clouds keep credentials: by a name, or by a redirect. */
import { lookup } from 'node:dns/promises'
import { isLinkLocal } from '../../../core/link-local.ts'

const maxRedirects = 5
const isAddress = (host: string) => host.startsWith('[') || /^[\d.]+$/.test(host)

/** @returns the addresses of a name */
export type Resolve = (name: string) => Promise<readonly string[]>
const resolveName: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address)

async function checkHost({ hostname }: URL, isFirst: boolean, resolve: Resolve): Promise<void> {
  // An address that the configuration itself spells out is meant.
  if (isFirst && isAddress(hostname)) return
  const addresses = isAddress(hostname) || hostname === 'localhost' ? [hostname] : await resolve(hostname)
  const found = [hostname, ...addresses].find(isLinkLocal)
  if (found !== undefined) throw new Error(`${hostname} leads to ${found}, which is link-local or a metadata service`)
}

export interface GuardedInit extends BunFetchRequestInit {
  readonly method: string
  readonly headers: Record<string, string>
}

/**
 * @param follow whether redirects are followed, at most 5; each is checked as the first one was, and none takes headers to another origin
 * @throws where a name or a redirect leads to a link-local address; what fetch throws
 */
export async function guardedFetch(
  first: string,
  init: GuardedInit,
  follow: boolean,
  resolve: Resolve = resolveName,
): Promise<Response> {
  let url = new URL(first)
  let { method, headers } = init
  for (let hop = 0; ; hop += 1) {
    await checkHost(url, hop === 0, resolve)
    const response = await fetch(url, { ...init, method, headers, redirect: 'manual' })
    const location = response.headers.get('location')
    if (!follow || location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response
    await response.body?.cancel()
    if (hop === maxRedirects) throw new Error(`more than ${maxRedirects} redirects`)
    const next = new URL(location, url)
    if (!/^https?:$/.test(next.protocol)) throw new Error(`a redirect leads to ${next.protocol}`)
    if (next.origin !== url.origin) headers = {}
    if (response.status === 303 || (response.status < 303 && method === 'POST')) method = 'GET'
    url = next
  }
}
