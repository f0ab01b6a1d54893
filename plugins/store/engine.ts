/** The store as the main thread sees it: requests to the writer thread, bounded, and reads by key. */
import { Database } from 'bun:sqlite'
import { type DedicatedWorker, type Failure, type Logger, messageOf, type Workers } from '../../core/plugin.ts'
import type { AreaDefinition, SqlValue, Store, StoreArea, Written } from './api.ts'
import { type StoreCode, storeError } from './errors.ts'
import { exactRow, prepare } from './prepare.ts'
import type { FromWriter, ToWriter, WriterData } from './protocol.ts'
import { fileBeside, isUnavailable } from './store-file.ts'

const iterationMs = 5 * 60_000
const fileName = /^[a-z][a-z0-9_]{0,31}$/

export interface StoreClientOptions extends WriterData {
  readonly maxQueue: number
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
  state: 'ok' | 'memory' = 'ok'
  #worker: DedicatedWorker | undefined
  readonly #readers = new Map<string | undefined, Database>()
  /** What a thread that starts again must know. */
  readonly #areas = new Map<string, AreaDefinition>()

  /** Opens nothing. */
  constructor(private readonly options: StoreClientOptions) {}

  get queued(): number {
    return this.#worker?.pending ?? 0
  }

  /** Resolves when the file is open, or known to be unusable. @throws WORKER_ENDED where the thread cannot load */
  async start(): Promise<void> {
    const { path, maxBytes, maintainEveryMs, maxQueue, workers } = this.options
    this.#worker = workers.dedicated('store.writer', new URL('./writer-worker.ts', import.meta.url), {
      workerData: { path, maxBytes, maintainEveryMs },
      // One more for `close`.
      maxPending: maxQueue + 1,
      toError: (failure) => this.#refused(failure),
      onMessage: (message) => this.#received(message as FromWriter),
      onStart: () => this.#reopen(),
    })
    await this.#worker.ready
  }

  #received(message: FromWriter): void {
    if (message.kind === 'size') {
      this.sizeBytes = message.bytes
      this.commits = message.commits
    } else if (message.kind === 'aside') {
      this.options.log.error('the store was corrupt and is set aside; a new one is begun', { aside: message.aside })
    } else {
      this.state = message.isMain ? 'memory' : 'ok'
      this.options.onState(message.problem)
    }
  }

  /** Retentions and files of the areas, which a thread that was restarted does not know. */
  #reopen(): void {
    for (const definition of this.#areas.values()) {
      this.#open(definition).catch((error) => this.options.log.error('an area was not opened again', { error }))
    }
  }

  #refused({ code, message, details }: Failure): Error {
    this.refused += 1
    if (code.startsWith('STORE_')) return storeError(code as StoreCode, details)
    const reason = code === 'WORKER_ENDED' ? `${message}; what was in progress may or may not be in the file` : message
    return storeError('STORE_UNAVAILABLE', { reason })
  }

  /** @throws STORE_UNAVAILABLE, STORE_QUEUE_FULL */
  #thread(): DedicatedWorker {
    if (this.#worker === undefined) throw storeError('STORE_UNAVAILABLE', { reason: 'it is not open' })
    if (this.queued < this.options.maxQueue) return this.#worker
    this.refused += 1
    throw storeError('STORE_QUEUE_FULL', { limit: this.options.maxQueue })
  }

  /** Waits as long as the disk needs: a write that was given up might be in the file after all. */
  async #ask<T>(message: ToWriter, thread = this.#thread()): Promise<T> {
    return thread.request<T>(message, { timeoutMs: Number.POSITIVE_INFINITY })
  }

  #open(definition: AreaDefinition): Promise<void> {
    return this.#ask({ kind: 'area', file: definition.file, definition })
  }

  async area(definition: AreaDefinition): Promise<StoreArea> {
    const { name: area, file, migrations } = definition
    if (file !== undefined && !fileName.test(file)) {
      const reason = 'its file is not in lower_snake_case'
      throw storeError('STORE_MIGRATION_FAILED', { area, from: 0, to: migrations.length, reason })
    }
    await this.#open(definition)
    this.#areas.set(`${file}/${area}`, definition)
    return {
      write: (statements, { lazy = false } = {}) =>
        this.#ask<readonly Written[]>({ kind: 'write', file, area, statements, lazy }),
      get: (sql, params = []) => this.#get(definition, sql, params),
      query: <Row>(sql: string, params: readonly SqlValue[], limit: number) =>
        this.#ask<readonly Row[]>({ kind: 'query', file, area, sql, params, limit }),
      iterate: <Row>(sql: string, params: readonly SqlValue[] = [], options: { signal?: AbortSignal } = {}) =>
        this.#thread().stream<Row>({ kind: 'iterate', file, area, sql, params } satisfies ToWriter, {
          ...options,
          timeoutMs: iterationMs,
        }),
    }
  }

  #get<Row>({ name: area, file }: AreaDefinition, sql: string, params: readonly SqlValue[]): Row | undefined {
    try {
      const reader = this.#readers.get(file) ?? new Database(fileBeside(this.options.path, file), { readonly: true })
      this.#readers.set(file, reader)
      const row = prepare(reader, sql, params).get(...params) as Row | null
      return row === null ? undefined : exactRow(row)
    } catch (error) {
      const reason = messageOf(error)
      if (isUnavailable(error)) throw storeError('STORE_UNAVAILABLE', { reason }, error)
      throw storeError('STORE_STATEMENT_FAILED', { area, reason }, error)
    }
  }

  /** Writes what waits, and closes the files. Safe without `start` and twice. */
  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#worker = undefined
    await this.#ask({ kind: 'close' }, worker).catch((error) =>
      this.options.log.error('the store was not closed cleanly', { error }),
    )
    for (const reader of this.#readers.values()) reader.close()
    this.#readers.clear()
    await worker.stop()
  }
}
