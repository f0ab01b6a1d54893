/**
 * A socket without TLS as postgres.js uses one, straight over `Bun.connect`: the streams of node:net around the same
 * socket are 6 % of the CPU of a short statement.
 */
import { EventEmitter } from 'node:events'
import type { Socket, TCPSocketConnectOptions } from 'bun'

/** A host with its port, or the path of a Unix socket. */
export interface Place {
  readonly host?: string
  readonly port?: number
  readonly path?: string
}

interface Unsent {
  readonly bytes: Uint8Array
  readonly sent?: (() => void) | undefined
}

/** Emits `data`, `drain`, `error` and `close` as node:net does. */
export class PlainSocket extends EventEmitter {
  private tcp: Socket<PlainSocket> | undefined
  private readonly unsent: Unsent[] = []

  /**
   * @param signal ends the attempt: what is answered later is closed, and what never is, given up by the system in its time
   * @throws (rejects) the reason of the signal; ECONNREFUSED, ENOTFOUND and what else the system says
   */
  static async connect({ host = '', port = 0, path }: Place, signal: AbortSignal): Promise<PlainSocket> {
    const data = new PlainSocket()
    const address = path === undefined ? { hostname: host, port } : { unix: path }
    const options = { ...address, data, socket: handlers } as TCPSocketConnectOptions<PlainSocket>
    const connecting = Bun.connect(options).catch((cause) => {
      const { code } = cause as { code?: string }
      throw Object.assign(new Error(`connect ${code} ${path ?? `${host}:${port}`}`, { cause }), { code })
    })
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const abort = () => {
      data.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([connecting, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
    }
    return data
  }

  destroyed = false

  get readyState(): 'open' | 'closed' {
    return this.destroyed ? 'closed' : 'open'
  }

  /** @param sent called when the system has taken it @returns false where it is kept until `drain` */
  write(bytes: Uint8Array, sent?: () => void): boolean {
    const taken = this.unsent.length > 0 ? 0 : this.tcp!.write(bytes)
    if (taken === bytes.length) {
      if (sent !== undefined) queueMicrotask(sent)
      return true
    }
    // Less than none is taken where it is closed.
    if (!this.destroyed) this.unsent.push({ bytes: bytes.subarray(Math.max(0, taken)), sent })
    return false
  }

  end(bytes: Uint8Array): void {
    this.write(bytes)
    this.destroySoon()
  }

  /** Closes it; what the system has taken still goes out. */
  destroySoon(): void {
    this.tcp?.end()
  }

  destroy(): void {
    this.destroyed = true
    this.tcp?.terminate()
  }

  setKeepAlive(enable: boolean, delayMs: number): void {
    this.tcp?.setKeepAlive(enable, delayMs)
  }

  pause(): void {
    this.tcp?.pause()
  }

  resume(): void {
    this.tcp?.resume()
  }

  /** @internal */
  opened(tcp: Socket<PlainSocket>): void {
    this.tcp = tcp
    // Given up on its way.
    if (this.destroyed) tcp.terminate()
  }

  /** @internal */
  drained(): void {
    // Bun calls it after `resume`, too.
    if (this.unsent.length === 0) return
    for (let next = this.unsent[0]; next !== undefined; next = this.unsent[0]) {
      const taken = Math.max(0, this.tcp!.write(next.bytes))
      if (taken < next.bytes.length) {
        this.unsent[0] = { ...next, bytes: next.bytes.subarray(taken) }
        return
      }
      this.unsent.shift()
      next.sent?.()
    }
    this.emit('drain')
  }

  /** @internal */
  failed(problem: Error): void {
    this.emit('error', problem)
    this.destroy()
  }

  /** @internal */
  closed(problem: Error | undefined): void {
    this.destroyed = true
    this.unsent.length = 0
    if (problem !== undefined) this.emit('error', problem)
    this.emit('close', problem !== undefined)
  }
}

const handlers = {
  open: (tcp: Socket<PlainSocket>) => tcp.data.opened(tcp),
  data: (tcp: Socket<PlainSocket>, bytes: Buffer) => void tcp.data.emit('data', bytes),
  drain: (tcp: Socket<PlainSocket>) => tcp.data.drained(),
  close: (tcp: Socket<PlainSocket>, problem?: Error) => tcp.data.closed(problem),
  // The promise of Bun.connect tells.
  connectError() {},
  // What a listener threw: what it has read to is not known.
  error: (tcp: Socket<PlainSocket>, problem: Error) => tcp.data.failed(problem),
}
