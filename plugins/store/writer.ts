/** The writer: one connection that groups commits, migrates, keeps the file small. Blocks: for its thread. */
import type { Database } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { messageOf } from '../../core/worker.ts'
import type { AreaDefinition, SqlValue, Written } from './api.ts'
import { exact, exactRow, prepare, rowLimit } from './prepare.ts'
import { Progress } from './progress.ts'
import { Refusal, type StoreAnswer, type StoreRequest, type WriteRequest } from './protocol.ts'
import { checkRetention, deleteOld } from './retention.ts'
import { checkScript } from './sql-text.ts'
import { isUnavailable, openFile, readRows, remedyOf, watchFiles } from './store-file.ts'

/** Writes that share one commit, and so one wait for the disk. */
export const groupSize = 256
/** Pages given back to the file system in one step. */
const vacuumStep = 256
/** Iterations at a time, each with a connection. */
const maxIterations = 8
const probe = ' '.repeat(65_536)
const areaName = /^[a-z][a-z0-9_]{0,62}$/

export class StoreWriter {
  /** Why the file cannot be written at present. */
  problem: string | undefined
  /** Where a corrupt file was put. */
  aside: string | undefined
  commits = 0
  #database: Database | undefined
  #checkFiles = () => {}
  #iterations = 0
  readonly #areas = new Map<string, AreaDefinition>()

  /** @param options.now epoch milliseconds */
  constructor(
    private readonly options: { readonly path: string; readonly maxBytes: number; now(): number },
    private readonly progress = new Progress(),
  ) {}

  get sizeBytes(): number {
    const bytes = (suffix: string) => statSync(this.options.path + suffix, { throwIfNoEntry: false })?.size ?? 0
    return bytes('') + bytes('-wal')
  }

  /** Opens the file unless it is open, and still at its path. @throws Refusal STORE_UNAVAILABLE */
  open(): Database {
    try {
      if (this.#database !== undefined) {
        this.#checkFiles()
        return this.#database
      }
      const { database, aside } = openFile(this.options.path, this.options.maxBytes, this.options.now())
      this.#database = database
      this.#checkFiles = watchFiles(this.options.path)
      this.aside = aside
      this.problem = undefined
      return database
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  #unavailable(error: unknown): Refusal {
    this.problem = `${basename(this.options.path)}: ${messageOf(error)}`
    return new Refusal('STORE_UNAVAILABLE', { reason: this.problem, remedy: remedyOf(error) ?? 'See the reason.' })
  }

  /** Answers requests in their order; writes beside each other share a commit. Never throws. */
  answer(requests: readonly StoreRequest[]): StoreAnswer[] {
    const answers: StoreAnswer[] = []
    let group: WriteRequest[] = []
    const commit = () => {
      if (group.length > 0) answers.push(...this.#commit(group))
      group = []
    }
    for (const request of requests) {
      if (request.kind !== 'write' || group.length === groupSize) commit()
      if (request.kind === 'write') group.push(request)
      else answers.push(this.#one(request))
    }
    commit()
    return answers
  }

  #one(request: Exclude<StoreRequest, WriteRequest>): StoreAnswer {
    try {
      return { ok: true, value: request.kind === 'area' ? this.#migrate(request.definition) : this.#query(request) }
    } catch (error) {
      return this.#refused(error)
    }
  }

  #refused(error: unknown): StoreAnswer {
    const { code, details } = error instanceof Refusal ? error : this.#unavailable(error)
    return { ok: false, code, details }
  }

  /** All in one transaction; if the file or the disk refuses it, one by one, so that a large write fails alone. */
  #commit(group: readonly WriteRequest[]): StoreAnswer[] {
    let database: Database
    try {
      database = this.open()
    } catch (error) {
      return group.map(() => this.#refused(error))
    }
    try {
      // FULL in WAL mode: the commit is on the disk when it returns. NORMAL: it is with the next checkpoint.
      database.run(`PRAGMA synchronous = ${group.every(({ lazy }) => lazy) ? 'NORMAL' : 'FULL'}`)
      database.run('BEGIN IMMEDIATE')
      const answers = group.map((request) => this.#inSavepoint(database, request))
      database.run('COMMIT')
      this.commits += 1
      this.problem = undefined
      return answers
    } catch (error) {
      if (database.inTransaction) database.run('ROLLBACK')
      if (group.length > 1) return group.flatMap((request) => this.#commit([request]))
      return [this.#refused(this.#refusal(group[0]!.area, error))]
    }
  }

  /** @throws where the file or the disk is at fault */
  #inSavepoint(database: Database, { area, statements }: WriteRequest): StoreAnswer {
    database.run('SAVEPOINT one')
    try {
      if (!Array.isArray(statements)) throw new Error('a write takes a list of statements')
      const value = (statements as WriteRequest['statements']).map(({ sql, params = [] }): Written => {
        const run = () => prepare(database, sql, params).run(...params)
        const { changes, lastInsertRowid } = this.progress.run(area, run)
        return { changes, lastInsertRowid: exact(lastInsertRowid) }
      })
      database.run('RELEASE one')
      return { ok: true, value }
    } catch (error) {
      // A conflict clause ROLLBACK takes the whole group with it.
      if (isUnavailable(error) || !database.inTransaction) throw error
      database.run('ROLLBACK TO one')
      database.run('RELEASE one')
      return { ok: false, code: 'STORE_STATEMENT_FAILED', details: { area, reason: messageOf(error) } }
    }
  }

  #query({ area, sql, params, limit }: Extract<StoreRequest, { kind: 'query' }>) {
    const database = this.open()
    try {
      const rows = rowLimit(limit)
      const statement = prepare(database, sql, params, (text) => `SELECT * FROM (${text}) LIMIT ${rows}`)
      return this.progress.run(area, () => statement.all(...params)).map(exactRow)
    } catch (error) {
      throw this.#refusal(area, error)
    }
  }

  #refusal(area: string, error: unknown): Refusal {
    if (isUnavailable(error)) return this.#unavailable(error)
    return new Refusal('STORE_STATEMENT_FAILED', { area, reason: messageOf(error) })
  }

  /** Reads rows one by one while others are written. @throws Refusal */
  *iterate(area: string, sql: string, params: readonly SqlValue[]): Generator<unknown, void, void> {
    if (this.#iterations >= maxIterations) throw new Refusal('STORE_QUEUE_FULL', { limit: maxIterations })
    this.open()
    this.#iterations += 1
    const rows = readRows(this.options.path, sql, params)
    try {
      for (;;) {
        const { done, value } = this.progress.run(area, () => rows.next())
        if (done) return
        yield value
      }
    } catch (error) {
      throw this.#refusal(area, error)
    } finally {
      rows.return()
      this.#iterations -= 1
    }
  }

  #migrate(definition: AreaDefinition): number {
    const { name, migrations, retention = [] } = definition
    const database = this.open()
    const row = database.query('SELECT version FROM store_areas WHERE name = ?').get(name) as { version: number } | null
    const from = row?.version ?? 0
    const failed = (reason: string) =>
      new Refusal('STORE_MIGRATION_FAILED', { area: name, from, to: migrations.length, reason })
    if (!areaName.test(name)) throw failed('its name is not in lower_snake_case')
    if (retention.some(({ table }) => !table.startsWith(`${name}_`)))
      throw failed('a table with a retention is not its own')
    if (from > migrations.length) throw failed('the file was written by a newer version')
    try {
      database.run('BEGIN IMMEDIATE')
      for (const script of migrations.slice(from)) {
        checkScript(script)
        database.run(script)
      }
      checkRetention(database, definition)
      database.run(
        'INSERT INTO store_areas VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version, migrated_ms = excluded.migrated_ms',
        [name, migrations.length, this.options.now()],
      )
      database.run('COMMIT')
    } catch (error) {
      if (database.inTransaction) database.run('ROLLBACK')
      if (isUnavailable(error)) throw this.#unavailable(error)
      throw failed(messageOf(error))
    }
    this.#areas.set(name, definition)
    return migrations.length
  }

  /** Deletes some rows past their retention and frees pages. @returns whether more is left to delete */
  maintain(): boolean {
    let isMore = false
    try {
      const database = this.open()
      for (const area of this.#areas.values()) isMore = deleteOld(database, area, this.options.now()) || isMore
      if (this.problem !== undefined) {
        // A row of many pages shows whether the log and the file may grow.
        database.run('INSERT OR REPLACE INTO store_areas VALUES (?, 0, 0)', [probe])
        try {
          database.query('PRAGMA wal_checkpoint(PASSIVE)').all()
        } finally {
          database.run('DELETE FROM store_areas WHERE name = ?', [probe])
        }
        this.problem = undefined
      }
      if (!isMore) {
        database.query(`PRAGMA incremental_vacuum(${vacuumStep})`).all()
        database.query('PRAGMA wal_checkpoint(PASSIVE)').all()
      }
    } catch (error) {
      if (!(error instanceof Refusal)) this.#unavailable(error)
      return false
    }
    return isMore
  }

  /** Checkpoints the write-ahead log into the file, and closes the file. */
  close(): void {
    const database = this.#database
    this.#database = undefined
    try {
      // Waits for no reader: the log stays where an iteration has not ended.
      database?.run('PRAGMA busy_timeout = 0')
      database?.query('PRAGMA wal_checkpoint(TRUNCATE)').all()
    } finally {
      database?.close()
    }
  }
}
