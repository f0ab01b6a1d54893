/** The store as the main thread sees it: requests to the writer thread, bounded, and reads by key. */
import { Database } from 'bun:sqlite'
import {
  type Clock,
  type DedicatedWorker,
  type Failure,
  type Logger,
  messageOf,
  type Workers,
} from '../../core/plugin.ts'
import type { AreaDefinition, SqlValue, Store, StoreArea, Written } from './api.ts'
import { type StoreCode, storeError } from './errors.ts'
import { exactRow, prepare } from './prepare.ts'
import { Progress } from './progress.ts'
import type { FromWriter, ToWriter, WriterData } from './protocol.ts'
import { fileBeside, remedyOf } from './store-file.ts'

const iterationMs = 5 * 60_000
/** How long one statement may run; the wait for the disk at a commit is not part of that. */
const statementMs = 60_000
/** Shorter than the deadline of `stop`: a statement that does not end must not hold up the end of the process. */
const closeMs = 3_000
const fileName = /^[a-z][a-z0-9_]{0,31}$/

export interface StoreClientOptions extends Omit<WriterData, 'progress'> {
  readonly maxQueue: number
  readonly workers: Workers
  readonly clock: Pick<Clock, 'every' | 'monotonic'>
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
  /** Areas with a statement that was given up, and the reason why their requests are refused. */
  readonly #givenUp = new Map<string, string>()
  /** The statement that the thread ran at the last look, and when it was first seen. */
  #seen = { number: 0, sinceMs: 0 }
  #progress = new Progress()
  #endReason: string | undefined
  #stopWatch = () => {}

  /** Opens nothing. */
  constructor(private readonly options: StoreClientOptions) {}

  get queued(): number {
    return this.#worker?.pending ?? 0
  }

  /** Resolves when the file is open, or known to be unusable. @throws WORKER_ENDED where the thread cannot load */
  async start(): Promise<void> {
    this.#stopWatch = this.options.clock.every(1_000, () => this.#watch())
    await this.#startThread().ready
  }

  #startThread(): DedicatedWorker {
    const { path, maxBytes, maintainEveryMs, maxQueue, workers } = this.options
    this.#progress = new Progress()
    let worker: DedicatedWorker | undefined
    worker = workers.dedicated('store.writer', new URL('./writer-worker.ts', import.meta.url), {
      workerData: { path, maxBytes, maintainEveryMs, progress: this.#progress.memory } satisfies WriterData,
      // One more for `close`.
      maxPending: maxQueue + 1,
      toError: (failure) => this.#refused(failure),
      onMessage: (message) => this.#received(message as FromWriter),
      onStart: () => {
        if (worker !== undefined) this.#reopen()
      },
    })
    this.#worker = worker
    this.#reopen()
    return worker
  }

  /** Gives up a statement that does not end. SQLite cannot be interrupted: its thread is left to itself. */
  #watch(): void {
    const { number, area } = this.#progress.running ?? { number: 0, area: '' }
    const nowMs = this.options.clock.monotonic()
    if (number === 0 || number !== this.#seen.number) this.#seen = { number, sinceMs: nowMs }
    if (nowMs - this.#seen.sinceMs < statementMs) return
    const reason = `a statement of ${area} ran for more than ${statementMs / 1_000} s`
    this.#givenUp.set(area, reason)
    this.options.log.error('the store was held up: its thread is replaced, and requests of the area are refused', {
      ...{ area, reason },
    })
    const stuck = this.#worker
    this.#startThread()
    this.#endReason = reason
    void stuck?.stop()
    this.#endReason = undefined
  }

  #received(message: FromWriter): void {
    if (message.kind === 'size') {
      this.sizeBytes = message.bytes
      this.commits = message.commits
    } else if (message.kind === 'aside') {
      this.options.log.error('the store was corrupt and is set aside; a new one is begun', { aside: message.aside })
    } else {
      this.state = message.isMain ? 'memory' : 'ok'
      this.options.onState(message.problem ?? this.#givenUp.values().next().value)
    }
  }

  /** Retentions and files of the areas, which a thread that was restarted does not know. */
  #reopen(): void {
    for (const definition of this.#areas.values()) {
      if (this.#givenUp.has(definition.name)) continue
      this.#open(definition).catch((error) => this.options.log.error('an area was not opened again', { error }))
    }
  }

  #refused({ code, message, details }: Failure): Error {
    this.refused += 1
    if (code.startsWith('STORE_')) return storeError(code as StoreCode, details)
    if (code !== 'WORKER_ENDED') return storeError('STORE_UNAVAILABLE', { reason: message, remedy: 'See the reason.' })
    const reason = `${this.#endReason ?? message}; what was in progress may or may not be in the file`
    const remedy = 'Read what was written before writing it again: the thread is restarted.'
    return storeError('STORE_UNAVAILABLE', { reason, remedy })
  }

  /** @throws STORE_UNAVAILABLE, STORE_QUEUE_FULL */
  #thread(): DedicatedWorker {
    if (this.#worker === undefined) {
      const remedy = 'Use the store between `start` and `stop` of a plugin that needs the store.'
      throw storeError('STORE_UNAVAILABLE', { reason: 'it is not open', remedy })
    }
    if (this.queued < this.options.maxQueue) return this.#worker
    this.refused += 1
    throw storeError('STORE_QUEUE_FULL', { limit: this.options.maxQueue })
  }

  /** Waits as long as the disk needs: a write that was given up might be in the file after all. */
  async #ask<T>(area: string, message: ToWriter): Promise<T> {
    this.#checkArea(area)
    try {
      return await this.#thread().request<T>(message, { timeoutMs: Number.POSITIVE_INFINITY })
    } catch (error) {
      this.#checkArea(area)
      throw error
    }
  }

  /** @throws STORE_STATEMENT_FAILED for an area with a statement that was given up */
  #checkArea(area: string): void {
    const reason = this.#givenUp.get(area)
    if (reason !== undefined) throw storeError('STORE_STATEMENT_FAILED', { area, reason })
  }

  #open(definition: AreaDefinition): Promise<void> {
    return this.#ask(definition.name, { kind: 'area', file: definition.file, definition })
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
        this.#ask<readonly Written[]>(area, { kind: 'write', file, area, statements, lazy }),
      get: (sql, params = []) => this.#get(definition, sql, params),
      query: <Row>(sql: string, params: readonly SqlValue[] = [], limit = 10_000) =>
        this.#ask<readonly Row[]>(area, { kind: 'query', file, area, sql, params, limit }),
      iterate: <Row>(sql: string, params: readonly SqlValue[] = [], options: { signal?: AbortSignal } = {}) => {
        this.#checkArea(area)
        const message: ToWriter = { kind: 'iterate', file, area, sql, params }
        return this.#thread().stream<Row>(message, { ...options, timeoutMs: iterationMs })
      },
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
      const remedy = remedyOf(error)
      if (remedy !== undefined) throw storeError('STORE_UNAVAILABLE', { reason, remedy }, error)
      throw storeError('STORE_STATEMENT_FAILED', { area, reason }, error)
    }
  }

  /** Writes what waits, and closes the files. Safe without `start` and twice. */
  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#worker = undefined
    this.#stopWatch()
    await worker
      .request({ kind: 'close' } satisfies ToWriter, { timeoutMs: closeMs })
      .catch((error) => this.options.log.error('the store was not closed cleanly', { error }))
    for (const reader of this.#readers.values()) reader.close()
    this.#readers.clear()
    await worker.stop()
  }
}
