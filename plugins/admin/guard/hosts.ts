/** PURE. Which Host and Origin a request may name. Keeps out pages whose name points at us (DNS rebinding). */

const local = ['localhost', '127.0.0.1', '[::1]']

/** The host of `Host` without its port, in lower case; undefined when the header is not a host. */
function hostOf(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(header.trim())
  return match?.[1]?.toLowerCase()
}

export interface HostRules {
  /** Names besides those of the listener and of this machine's loopback, without ports. */
  readonly allowedHosts: readonly string[]
  /** Origins besides those on an allowed host, `https://console.example`. */
  readonly allowedOrigins: readonly string[]
  readonly bound?: string
}

const wildcard = ['0.0.0.0', '::', '[::]']

const isAllowedHost = (host: string, { allowedHosts, bound }: HostRules): boolean =>
  local.includes(host) ||
  allowedHosts.some((each) => each.toLowerCase() === host) ||
  (bound !== undefined &&
    !wildcard.includes(bound) &&
    (bound.toLowerCase() === host || `[${bound.toLowerCase()}]` === host))

/** @param host the header, as sent @returns whether a request with it may be answered */
export function allowsHost(host: string | null | undefined, rules: HostRules): boolean {
  const name = host == null ? undefined : hostOf(host)
  return name !== undefined && isAllowedHost(name, rules)
}

/** @param origin the header; a request without one is not from a page of elsewhere, as far as browsers go */
export function allowsOrigin(origin: string | null | undefined, rules: HostRules): boolean {
  if (origin == null) return true
  if (rules.allowedOrigins.includes(origin)) return true
  const match = /^https?:\/\/([^/]+)$/.exec(origin)
  const name = match?.[1] === undefined ? undefined : hostOf(match[1])
  return name !== undefined && isAllowedHost(name, rules)
}
