/** URLs of servers, as config.yaml and the environment give them. */

/** What is expected of a URL that {@link isServerUrl} refuses. */
export const wellFormed =
  'of at most 4096 characters with a host and, if any, a port from 0 to 65535; `@`, `/`, `?`, `#` in a password as %40, %2F, %3F, %23'

const longest = 4_096

/** Whether the URL parser accepts it, with each host of a list such as `a:5432,b:5432`; of at most 4,096 characters. */
export function isServerUrl(url: string): boolean {
  if (url.length > longest) return false
  const [, before = '', hosts = '', after = ''] = /^([a-z][\w+.-]*:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is.exec(url) ?? []
  return before !== '' && hosts.split(',').every((host) => URL.canParse(`${before}${host}${after}`))
}
