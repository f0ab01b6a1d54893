/** Ports that nobody holds at this moment. */

const isFree = (port: number): boolean => {
  try {
    Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true)
    return true
  } catch {
    return false
  }
}

/** @returns the first `count` free ports of loopback from `first` on, within the next hundred; or fewer */
export function freePorts(first: number, count: number): number[] {
  const found: number[] = []
  for (let port = first; found.length < count && port < first + 100; port += 1) if (isFree(port)) found.push(port)
  return found
}
