/**
 * The sockets of one client of postgres.js. The client is given its sockets because, with sockets of its own, it
 * reconnects without a back-off and without end to a server that closes connections, and it leaves sockets to a
 * silent server open.
 */
import { connect, type Socket } from 'node:net'

/** A host with its port, or the path of a Unix socket. */
interface Place {
  readonly host?: string
  readonly port?: number
  readonly path?: string
}

/** What postgres.js passes to its option `socket`: hosts to be tried in turn, or the path of a Unix socket. */
export interface Address {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
}

const placesOf = ({ host, port, path }: Address): readonly Place[] =>
  path ? [{ path }] : host.map((each, index) => ({ host: each, port: port[index] ?? port[0] ?? 5432 }))

async function reach(place: Place, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect(place as { path: string })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  socket.once('connect', resolve)
  socket.once('error', reject)
  try {
    await promise
    // The client names the host and the port in its errors, and the host when it adds TLS to the connection.
    return Object.assign(socket, { host: place.host, port: place.port })
  } catch (thrown) {
    socket.on('error', () => {})
    socket.destroy()
    throw thrown
  } finally {
    signal.removeEventListener('abort', aborted)
    socket.removeListener('error', reject)
  }
}

export class ClientSockets {
  private main: { readonly socket: Socket; readonly place: Place } | undefined
  private readonly open = new Set<Socket>()
  private tried = 0
  private readonly ended = new AbortController()

  /**
   * Makes the socket of the connection; later, while it is open, the sockets of cancellations, to the same place.
   * @throws (rejects) the error of the last host; when called for the connection a second time
   */
  readonly make = async (address: Address): Promise<Socket> => {
    const { main } = this
    const { signal } = this.ended
    if (main !== undefined && !main.socket.destroyed) return this.keep(await reach(main.place, signal))
    let failed: unknown = new Error('the server closed the connection')
    const places = placesOf(address)
    // A second call means that postgres.js wants the next host: the last one had the wrong `target_session_attrs`.
    while (this.tried < places.length) {
      const place = places[this.tried++]!
      try {
        const socket = this.keep(await reach(place, signal))
        this.main = { socket, place }
        return socket
      } catch (thrown) {
        failed = thrown
      }
    }
    throw failed
  }

  /** Closes all sockets immediately and makes no further one. Only what the system has accepted is still sent. */
  close(): void {
    this.ended.abort(new Error('the connection was closed'))
    for (const socket of this.open) {
      if (socket.writableLength > 0) socket.destroy()
      else socket.destroySoon()
    }
  }

  private keep(socket: Socket): Socket {
    this.open.add(socket)
    socket.once('close', () => this.open.delete(socket))
    // node:net would first send the rest of a statement, for which a server that has ended may never make room.
    socket.once('end', () => socket.destroy())
    return socket
  }
}
