/** A fetch that no name and no redirect leads to the metadata service of a cloud, which holds credentials. */
import { lookup } from 'node:dns/promises'
import { isLinkLocal } from '../../../core/plugin.ts'

const maxRedirects = 5
const isAddress = (host: string) => host.startsWith('[') || /^[\d.]+$/.test(host)

export type Resolve = (name: string) => Promise<readonly string[]>
const resolveName: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address)

/** @returns the addresses, none of them link-local; empty where the host itself is an address */
async function checkHost({ hostname }: URL, isFirst: boolean, resolve: Resolve): Promise<readonly string[]> {
  // An address in the configuration is intended.
  if (isFirst && isAddress(hostname)) return []
  const addresses = isAddress(hostname) || hostname === 'localhost' ? [hostname] : await resolve(hostname)
  const found = [hostname, ...addresses].find(isLinkLocal)
  if (found !== undefined) throw new Error(`${hostname} leads to ${found}, which is link-local or a metadata service`)
  // IPv4 first: many machines resolve IPv6 addresses without an IPv6 route.
  return addresses[0] === hostname
    ? []
    : addresses.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
}

/** The request to the checked address; over TLS the certificate proves the name, unless `tls` turns that off. */
function pinned(url: URL, address: string | undefined, { headers, tls }: GuardedInit): GuardedRequest {
  if (address === undefined || (url.protocol === 'https:' && tls?.rejectUnauthorized !== false)) return { url, headers }
  const target = new URL(url)
  target.hostname = address.includes(':') ? `[${address}]` : address
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'host')
  return {
    url: target,
    headers: named ? headers : { ...headers, host: url.host },
    ...(url.protocol === 'https:' && { tls: { ...tls, serverName: url.hostname } }),
  }
}

interface GuardedRequest {
  readonly url: URL
  readonly headers: Record<string, string>
  readonly tls?: BunFetchRequestInitTLS
}

const codeOf = (error: unknown) => String((error as { code?: unknown }).code)

export interface GuardedInit extends BunFetchRequestInit {
  readonly method: string
  readonly headers: Record<string, string>
}

/** Fetches from the first address that accepts the connection. */
async function fetchAny(url: URL, addresses: readonly string[], init: GuardedInit): Promise<Response> {
  for (let index = 0; ; index += 1) {
    const { url: target, ...own } = pinned(url, addresses[index], init)
    try {
      return await fetch(target, { ...init, ...own })
    } catch (error) {
      const mayRetry = index + 1 < addresses.length && !init.signal?.aborted
      if (!mayRetry || !/^(ConnectionRefused|FailedToOpenSocket|E[A-Z]+)$/.test(codeOf(error))) throw error
    }
  }
}

/** @param follow redirects, at most 5, each checked @throws where a name or redirect leads to a link-local address */
export async function guardedFetch(
  first: string,
  init: GuardedInit,
  follow: boolean,
  resolve: Resolve = resolveName,
): Promise<Response> {
  let url = new URL(first)
  let { method, headers } = init
  for (let hop = 0; ; hop += 1) {
    const addresses = await checkHost(url, hop === 0, resolve)
    const response = await fetchAny(url, addresses, { ...init, method, headers, redirect: 'manual' })
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
