/** A proxy whose connections can go dead: accepted, never answered, never closed. */
import { connect, createServer, type Socket } from 'node:net'

export interface BlackHole {
  readonly port: number
  /** While true, every connection that is used goes dead and stays so; new ones are accepted and dead, too. */
  swallows: boolean
  close(): void
}

/** @param target port on this machine */
export async function blackHole(target: number): Promise<BlackHole> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let isDead = hole.swallows
    const pass = (to: Socket) => (bytes: Uint8Array) => {
      isDead ||= hole.swallows
      if (!isDead) to.write(bytes)
    }
    client.on('data', pass(upstream))
    upstream.on('data', pass(client))
    for (const [each, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => {
        sockets.delete(each)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hole: BlackHole = {
    port: (server.address() as { port: number }).port,
    swallows: false,
    close() {
      for (const each of sockets) each.destroy()
      server.close()
    },
  }
  return hole
}
