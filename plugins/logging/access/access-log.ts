/** The access log of the request thread: numbers into a ring, strings in bounded batches, the rest in a worker. */
import { isAbsolute, join } from 'node:path'
import {
  type Cancel,
  type Clock,
  createRedactor,
  type DedicatedWorker,
  monotonicOrigin,
  type RedactOptions,
  type Route,
  requestIdOf,
  type Workers,
} from '../../../core/plugin.ts'
import type { AccessLogConfig } from '../config.ts'
import { pathOf, type RouteName } from './access-line.ts'
import type { AccessDestination, AccessRow, FromAccessWorker, ToAccessWorker } from './access-protocol.ts'
import { AccessRingReader, AccessRingWriter, createAccessMemory } from './access-ring.ts'
import { AccessWriter } from './access-writer.ts'

const batchRows = 512
const batchMs = 20
/** How long a stop waits for the worker, and the last flush for it to get out of the way. */
const stopWaitMs = 2_000
const lastWaitMs = 250

interface Batch {
  readonly number: number
  readonly rows: readonly AccessRow[]
}

export interface AccessLogOptions {
  readonly config: AccessLogConfig
  readonly dataDir: string
  readonly redact: RedactOptions
  readonly clock: Clock
  readonly workers: Workers
}

export class AccessLog {
  /** Why the worker cannot write at present. */
  problem: string | undefined
  readonly #memory: SharedArrayBuffer
  readonly #ring: AccessRingWriter
  readonly #routes: (RouteName | undefined)[] = []
  #worker: DedicatedWorker | undefined
  #config: AccessLogConfig
  /** Batches that the worker has not confirmed. */
  #sent: Batch[] = []
  #rows: AccessRow[] = []
  #rowsWaiting = 0
  #rowsDropped = 0
  #number = 0
  #armed: Cancel | undefined
  #flushed: (() => void) | undefined
  #done = false

  /** Opens nothing. */
  constructor(private readonly options: AccessLogOptions) {
    this.#config = options.config
    this.#memory = createAccessMemory(options.config.capacity)
    this.#ring = new AccessRingWriter(this.#memory)
  }

  /** Requests without a line. */
  get dropped(): number {
    return this.#ring.dropped + this.#rowsDropped
  }

  /** Whether the path or the request id is wanted, which takes the dearer way. */
  get withText(): boolean {
    return this.#config.path || this.#config.requestId
  }

  #destination(): AccessDestination {
    const { file, rotate } = this.#config
    const path = file === undefined || isAbsolute(file) ? file : join(this.options.dataDir, file)
    return { file: path, rotation: rotate }
  }

  /** Resolves when the thread is ready. @throws WORKER_ENDED where the thread cannot load */
  async start(): Promise<void> {
    this.#worker = this.options.workers.dedicated('access-log', new URL('./access-worker.ts', import.meta.url), {
      workerData: { memory: this.#memory, destination: this.#destination(), redact: this.options.redact },
      onMessage: (message) => this.#heard(message as FromAccessWorker),
      onStart: () => queueMicrotask(() => this.#tellAll()),
    })
    await this.#worker.ready
  }

  #tellAll(): void {
    this.#routes.forEach((route, id) => {
      if (route !== undefined) this.#post({ kind: 'route', id, route })
    })
    this.#forget()
    for (const { number, rows } of this.#sent) this.#post({ kind: 'rows', batch: number, rows })
  }

  #post(message: ToAccessWorker): void {
    this.#worker?.post(message)
  }

  #heard(message: FromAccessWorker): void {
    if (message.kind === 'problem') this.problem = message.problem
    else this.#flushed?.()
  }

  /** Records a request by its numbers. @param endedMs monotonic milliseconds */
  record(route: Route, status: number, durationMs: number, endedMs: number): void {
    if (this.#routes[route.id] === undefined) this.#announce(route)
    this.#ring.push(route.id, status, durationMs, endedMs + monotonicOrigin)
  }

  #announce({ id, method, pattern }: Route): void {
    const route = { method, pattern }
    this.#routes[id] = route
    this.#post({ kind: 'route', id, route })
  }

  /** Records a request with its path or its id. @param endedMs monotonic milliseconds */
  recordText(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void {
    const { id } = route
    if (this.#routes[id] === undefined) this.#announce(route)
    if (this.#rowsWaiting >= this.#config.capacity) {
      this.#forget()
      if (this.#rowsWaiting >= this.#config.capacity) {
        this.#rowsDropped += 1
        return
      }
    }
    const path = this.#config.path ? pathOf(request.url) : ''
    const requestId = this.#config.requestId ? requestIdOf(request) : ''
    this.#rows.push([id, status, durationMs, endedMs + monotonicOrigin, path, requestId])
    this.#rowsWaiting += 1
    if (this.#rows.length >= batchRows) this.#send()
    else this.#armed ??= this.options.clock.after(batchMs, () => this.#send())
  }

  #send(): void {
    this.#armed?.()
    this.#armed = undefined
    if (this.#rows.length === 0) return
    this.#number += 1
    const batch = { number: this.#number, rows: this.#rows }
    this.#rows = []
    this.#forget()
    this.#sent.push(batch)
    this.#post({ kind: 'rows', batch: batch.number, rows: batch.rows })
  }

  /** Forgets the batches that are written. */
  #forget(): void {
    const written = this.#ring.batchesWritten()
    while (this.#sent.length > 0 && this.#sent[0]!.number <= written)
      this.#rowsWaiting -= this.#sent.shift()!.rows.length
  }

  /** Takes new options in place. @returns false where another ring is needed */
  reconfigure(config: AccessLogConfig, redact: RedactOptions): boolean {
    if (config.capacity !== this.#config.capacity || !Bun.deepEquals(redact, this.options.redact)) return false
    this.#send()
    this.#config = config
    this.#post({ kind: 'destination', destination: this.#destination() })
    return true
  }

  /** Resolves when the worker has written what was recorded so far, or after two seconds. */
  async flush(): Promise<void> {
    if (this.#worker === undefined || this.#done) return
    this.#send()
    let cancel: Cancel = () => {}
    await new Promise<void>((resolve) => {
      this.#flushed = resolve
      cancel = this.options.clock.after(stopWaitMs, resolve)
      this.#post({ kind: 'flush' })
    })
    this.#flushed = undefined
    cancel()
  }

  /** Writes what the worker has left, at the end of the process. Never throws; counts what cannot be written. */
  flushSync(): void {
    if (this.#done) return
    this.#done = true
    this.#armed?.()
    let waits = lastWaitMs
    while (!this.#ring.takeOver() && waits-- > 0) Bun.sleepSync(1)
    if (!this.#ring.takeOver()) return
    const reader = new AccessRingReader(this.#memory)
    const { text } = createRedactor(this.options.redact)
    const blocked = () => {
      Bun.sleepSync(1)
      return waits-- > 0
    }
    const writer = new AccessWriter(reader, this.#destination(), text, this.options.clock.now, blocked)
    this.#routes.forEach((route, id) => {
      if (route !== undefined) writer.encoder.setRoute(id, route)
    })
    try {
      writer.drain(false)
      this.#forget()
      for (const { rows } of [...this.#sent, { rows: this.#rows }]) {
        if (writer.rows(rows)) this.#rowsWaiting -= rows.length
      }
    } catch (error) {
      this.problem ??= String(error)
    }
    this.#ring.dropped += reader.waiting
    this.#rowsDropped += this.#rowsWaiting
    writer.close()
  }

  async stop(): Promise<void> {
    await this.flush()
    this.flushSync()
    await this.#worker?.stop()
    this.#worker = undefined
  }
}
