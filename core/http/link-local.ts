/** PURE. Addresses that requests must not reach: link-local addresses, at which clouds keep credentials. */

/** Names and addresses of cloud metadata services beyond 169.254.0.0/16 and fe80::/10. */
const metadataHosts = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'instance-data',
  'instance-data.ec2.internal',
  '100.100.100.200',
  '192.0.0.192',
  '[fd00:ec2::254]',
])

/** The host as the WHATWG URL parser writes it: 0xa9fea9fe and 2852039166 become dotted. */
function canonicalHost(host: string): string {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const text = `http://${bracketed.replace(/%[^\]]*/, '')}/`
  return URL.canParse(text) ? new URL(text).hostname.replace(/\.$/, '') : host.toLowerCase()
}

/** @param host a name or address, IPv6 also in brackets @returns whether it is link-local or a metadata service */
export function isLinkLocal(host: string): boolean {
  const name = canonicalHost(host)
  if (metadataHosts.has(name) || /^169\.254\.\d+\.\d+$/.test(name) || /^\[fe[89ab][0-9a-f]:/.test(name)) return true
  const mapped = /^\[(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(name)
  if (mapped === null) return false
  const groups = mapped.slice(1).map((group) => Number.parseInt(group, 16))
  return isLinkLocal(groups.flatMap((group) => [group >> 8, group & 255]).join('.'))
}

/** The host that a text names, as a URL of any scheme or as host and port; undefined when it names none. */
export function hostIn(text: string): string | undefined {
  const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:,]*)/i.exec(text)
  if (url !== null) return url[1]
  return (
    /^(\[[0-9a-f:.%a-z]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(text)?.[1] ?? (/^[0-9a-f:]+$/i.test(text) ? text : undefined)
  )
}
