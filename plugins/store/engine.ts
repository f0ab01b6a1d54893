/** The store as the main thread sees it: requests to the writer thread, bounded, and reads by key. */
import { Database } from 'bun:sqlite'
import { type DedicatedWorker, type Logger, messageOf, type Workers } from '../../core/plugin.ts'
import type { AreaDefinition, SqlValue, Store, StoreArea, Written } from './api.ts'
import { storeError } from './errors.ts'
import type { FromWriter, StoreAnswer, StoreRequest } from './protocol.ts'
import { isUnavailable } from './store-file.ts'

type Unnumbered = StoreRequest extends infer Each ? (Each extends StoreRequest ? Omit<Each, 'id'> : never) : never

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

export interface StoreClientOptions {
  /** Absolute path of the file. */
  readonly path: string
  readonly maxBytes: number
  readonly maxQueue: number
  /** Milliseconds. */
  readonly maintainEveryMs: number
  readonly workers: Workers
  readonly log: Logger
  /** Told whenever the file becomes usable or stops being so. */
  onState(problem: string | undefined): void
}

export class StoreClient implements Store {
  sizeBytes = 0
  /** Transactions that are on the disk. */
  commits = 0
  refused = 0
  #problem: string | undefined
  #worker: DedicatedWorker | undefined
  #reader: Database | undefined
  #next = 1
  #opened = () => {}
  readonly #waiting = new Map<number, Waiting>()

  /** Opens nothing. */
  constructor(private readonly options: StoreClientOptions) {}

  get state(): 'ok' | 'memory' {
    return this.#problem === undefined ? 'ok' : 'memory'
  }

  /** Requests without an answer. */
  get queued(): number {
    return this.#waiting.size
  }

  /** Resolves when the file is open, or known to be unusable. */
  async start(): Promise<void> {
    const { path, maxBytes, maintainEveryMs, workers } = this.options
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve
    })
    this.#worker = workers.dedicated('store.writer', new URL('./writer-worker.ts', import.meta.url), {
      workerData: { path, maxBytes, maintainEveryMs },
      onMessage: (message) => this.#heard(message as FromWriter),
      onStart: () => this.#forgetAll('the writer thread ended; what was under way may or may not be in the file'),
    })
    await opened
  }

  #heard(message: FromWriter): void {
    if (message.kind === 'answers') for (const answer of message.answers) this.#settle(answer)
    else if (message.kind === 'size') {
      this.sizeBytes = message.bytes
      this.commits = message.commits
    } else {
      const { problem, aside } = message
      if (aside !== undefined)
        this.options.log.error('the store was corrupt and is set aside; a new one is begun', { aside })
      this.#problem = problem
      this.options.onState(problem)
      this.#opened()
    }
  }

  #settle(answer: StoreAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (answer.ok) waiting?.resolve(answer.value as never)
    else {
      this.refused += 1
      waiting?.reject(storeError(answer.code, answer.details as never))
    }
  }

  #forgetAll(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(storeError('STORE_UNAVAILABLE', { reason }))
    this.#waiting.clear()
  }

  #ask<T>(request: Unnumbered): Promise<T> {
    const worker = this.#worker
    if (worker === undefined) return Promise.reject(storeError('STORE_UNAVAILABLE', { reason: 'it is not open' }))
    const { maxQueue } = this.options
    if (this.#waiting.size >= maxQueue && request.kind !== 'close') {
      this.refused += 1
      return Promise.reject(storeError('STORE_QUEUE_FULL', { limit: maxQueue }))
    }
    const id = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.post({ ...request, id })
    })
  }

  async area(definition: AreaDefinition): Promise<StoreArea> {
    const area = definition.name
    await this.#ask({ kind: 'area', definition })
    return {
      write: (statements, { lazy = false } = {}) =>
        this.#ask<readonly Written[]>({ kind: 'write', area, statements, lazy }),
      get: (sql, params = []) => this.#get(area, sql, params),
      query: <Row>(sql: string, params: readonly SqlValue[], limit: number) =>
        this.#ask<readonly Row[]>({ kind: 'query', area, sql, params, limit }),
    }
  }

  #get<Row>(area: string, sql: string, params: readonly SqlValue[]): Row | undefined {
    try {
      this.#reader ??= new Database(this.options.path, { readonly: true })
      return (this.#reader.query(sql).get(...params) as Row | null) ?? undefined
    } catch (error) {
      const reason = messageOf(error)
      if (isUnavailable(error)) throw storeError('STORE_UNAVAILABLE', { reason }, error)
      throw storeError('STORE_STATEMENT_FAILED', { area, reason }, error)
    }
  }

  /** Writes what waits, and closes the file. Safe without `start` and twice. */
  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    await this.#ask({ kind: 'close' }).catch((error) =>
      this.options.log.error('the store was not closed cleanly', { error }),
    )
    this.#worker = undefined
    this.#forgetAll('it is closed')
    this.#reader?.close()
    this.#reader = undefined
    await worker.stop()
  }
}
