/** Times requests over kept connections: sent at a steady rate, measured from the moment at which each was due. */
import { connect, type Socket } from 'node:net'

export interface Timing {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly requests: number
  /** Of the last answer. */
  readonly status: number
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** @param times in ms */
export function summarize(times: readonly number[], status: number): Timing {
  const sorted = [...times].sort((a, b) => a - b)
  return {
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    p999Ms: quantile(sorted, 0.999),
    maxMs: sorted.at(-1) ?? Number.NaN,
    requests: sorted.length,
    status,
  }
}

/** One connection that carries one request at a time. */
export class Connection {
  status = 0
  private buffer = ''
  private answered: () => void = () => {}

  private constructor(
    private readonly socket: Socket,
    private readonly host: string,
  ) {
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.take(chunk.toString('latin1')))
  }

  static open(url: URL): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname, () => resolve(new Connection(socket, url.host)))
      socket.once('error', reject)
    })
  }

  /** Sends a GET and waits for the whole answer. */
  request(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.answered = resolve
      this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.host}\r\n\r\n`)
    })
  }

  close(): void {
    this.socket.destroy()
  }

  private take(text: string): void {
    this.buffer += text
    const end = this.buffer.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = /\r\ncontent-length: (\d+)/i.exec(this.buffer.slice(0, end))
    if (length === null) throw new Error('answer without content-length')
    if (this.buffer.length < end + 4 + Number(length[1])) return
    this.status = Number(this.buffer.slice(9, 12))
    this.buffer = ''
    this.answered()
  }
}

/**
 * @param perSecond requests in a second, over all connections
 * @returns times from when each request was due, so that a server that stands still counts in full
 * @see Gil Tene, coordinated omission
 */
export async function measure(
  connections: readonly Connection[],
  path: string,
  count: number,
  perSecond: number,
): Promise<Timing> {
  const times: number[] = []
  const beginMs = performance.now()
  let next = 0
  await Promise.all(
    connections.map(async (connection) => {
      while (next < count) {
        const dueMs = beginMs + (next++ * 1_000) / perSecond
        const waitMs = dueMs - performance.now()
        if (waitMs > 0) await Bun.sleep(waitMs)
        const sentMs = performance.now()
        await connection.request(path)
        // A timer fires late by up to a millisecond; the server is not to blame for that.
        times.push(performance.now() - (waitMs > 0 ? sentMs : dueMs))
      }
    }),
  )
  return summarize(times, connections[0]!.status)
}
