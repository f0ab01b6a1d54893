/**
 * A socket without TLS as postgres.js uses one, straight over the socket of Bun: the streams of node:net around the same
 * socket are 6 % of the CPU of a short statement.
 */
import { EventEmitter } from 'node:events'
import type { Socket as NodeSocket } from 'node:net'
import type { Socket } from 'bun'

interface Unsent {
  readonly bytes: Uint8Array
  readonly sent?: (() => void) | undefined
}

/** Emits `data`, `drain`, `error` and `close` as node:net does. */
export class PlainSocket extends EventEmitter {
  private readonly unsent: Unsent[] = []

  private constructor(private readonly tcp: Socket<PlainSocket>) {
    super()
  }

  /**
   * Takes over what node:net has connected, which is of no use from then on: unlike `Bun.connect`, node:net can give up
   * an attempt to connect.
   * @param connected in the turn in which it emits `connect`
   * @returns undefined where there is no socket of Bun's below it, as it is known here: then it stays of use
   */
  static over(connected: NodeSocket): PlainSocket | undefined {
    const { _handle: tcp } = connected as unknown as { _handle?: Socket<PlainSocket> }
    if (typeof tcp?.reload !== 'function') return undefined
    const socket = new PlainSocket(tcp)
    tcp.data = socket
    tcp.reload({ socket: handlers })
    tcp.resume()
    return socket
  }

  destroyed = false

  get readyState(): 'open' | 'closed' {
    return this.destroyed ? 'closed' : 'open'
  }

  /** @param sent called when the system has taken it @returns false where it is kept until `drain` */
  write(bytes: Uint8Array, sent?: () => void): boolean {
    const taken = this.unsent.length > 0 ? 0 : this.tcp.write(bytes)
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
    this.tcp.end()
  }

  destroy(): void {
    this.destroyed = true
    this.tcp.terminate()
  }

  setKeepAlive(enable: boolean, delayMs: number): void {
    this.tcp.setKeepAlive(enable, delayMs)
  }

  pause(): void {
    this.tcp.pause()
  }

  resume(): void {
    this.tcp.resume()
  }

  /** @internal */
  drained(): void {
    // Bun calls it after `resume`, too.
    if (this.unsent.length === 0) return
    for (let next = this.unsent[0]; next !== undefined; next = this.unsent[0]) {
      const taken = Math.max(0, this.tcp.write(next.bytes))
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
  data: (tcp: Socket<PlainSocket>, bytes: Buffer) => void tcp.data.emit('data', bytes),
  drain: (tcp: Socket<PlainSocket>) => tcp.data.drained(),
  close: (tcp: Socket<PlainSocket>, problem?: Error) => tcp.data.closed(problem),
  // What a listener threw: what it has read to is not known.
  error: (tcp: Socket<PlainSocket>, problem: Error) => tcp.data.failed(problem),
}
