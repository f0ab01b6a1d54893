/**
 * The sockets of one client of postgres.js, made here so that the client cannot go on by itself: left alone it connects
 * anew, without a pause and for ever, to a server that closes what it accepts, and it leaves sockets to a server that is
 * silent open.
 */
import type { EventEmitter } from 'node:events'
import { connect, type Socket as NodeSocket } from 'node:net'
import { PlainSocket } from './plain-socket.ts'

/** A host with its port, or the path of a Unix socket. */
interface Place {
  readonly host?: string
  readonly port?: number
  readonly path?: string
}

/** What postgres.js tells its `socket` of where to go: hosts to be tried in turn, or the path of a Unix socket. */
export interface Address {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
  /** Any but false and undefined: it may put TLS on top, for which it needs a socket of node:net. */
  readonly ssl?: unknown
}

type Socket = EventEmitter & Pick<NodeSocket, 'destroyed' | 'destroySoon'> & { write(bytes: Uint8Array): boolean }

const placesOf = ({ host, port, path }: Address): readonly Place[] =>
  path ? [{ path }] : host.map((each, index) => ({ host: each, port: port[index] ?? port[0] ?? 5432 }))

async function reach(place: Place, isPlain: boolean, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect(place as { path: string })
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  socket.once('connect', () => resolve((isPlain ? PlainSocket.over(socket) : undefined) ?? socket))
  socket.once('error', reject)
  try {
    // The client names it in its errors, and asks for the name of the host when it makes the connection a secure one.
    return Object.assign(await promise, { host: place.host, port: place.port })
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
   * The socket of the connection; then, while that one lives, those of its cancellations, to the same place.
   * @throws (rejects) the error of the last host; when asked for the connection again
   */
  readonly make = async (address: Address): Promise<Socket> => {
    const { main } = this
    const { signal } = this.ended
    const isPlain = !address.ssl
    if (main !== undefined && !main.socket.destroyed) return this.keep(await reach(main.place, isPlain, signal))
    let failed: unknown = new Error('the server closed the connection')
    const places = placesOf(address)
    // Asked again, postgres.js wants the next host: the last one was not of the kind that is wanted.
    while (this.tried < places.length) {
      const place = places[this.tried++]!
      try {
        const socket = this.keep(await reach(place, isPlain, signal))
        this.main = { socket, place }
        return socket
      } catch (thrown) {
        failed = thrown
      }
    }
    throw failed
  }

  /** Closes all at once, after what was written, and makes no more. */
  close(): void {
    this.ended.abort(new Error('the connection was closed'))
    for (const socket of this.open) socket.destroySoon()
  }

  private keep(socket: Socket): Socket {
    this.open.add(socket)
    socket.once('close', () => this.open.delete(socket))
    return socket
  }
}
