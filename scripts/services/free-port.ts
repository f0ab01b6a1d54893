/** A TCP port on 127.0.0.1 that nothing holds now. */

const handedOut = new Set<number>()

/** Below the system's range for outgoing connections, so that nobody takes it while its server is down for a restart. */
const firstPort = 20_000
const lastPort = 32_000

/** @throws when a thousand tries found none */
export function freePort(): number {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
    if (handedOut.has(port)) continue
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true)
      handedOut.add(port)
      return port
    } catch {
      // Taken: try another.
    }
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort}`)
}
