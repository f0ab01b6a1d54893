/** Opens the SQLite file: checks it, sets a corrupt one aside, prepares it. Blocks: for the writer thread. */
import { Database } from 'bun:sqlite'
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs'
import { basename, parse } from 'node:path'
import type { SqlValue } from './api.ts'
import { exactRow, prepare } from './prepare.ts'

const corrupt = /^SQLITE_(CORRUPT|NOTADB)/
const moved = 'SQLITE_READONLY_DBMOVED'
/** Errors of the file and the disk, and what to do; what was asked for may succeed later. */
const remedies: readonly (readonly [code: RegExp, remedy: string])[] = [
  [new RegExp(moved), 'Put the file back, or restart Arkwatch to begin with the file that is there now.'],
  [/^SQLITE_FULL/, 'Make room on the disk of `data`, or raise `plugins.store.maxSize`; each write tries again.'],
  [
    /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|^E(ACCES|PERM|ROFS|NOENT|ISDIR)$/,
    'Give the process the right to write the file and its directory; each write tries again.',
  ],
  [/^SQLITE_(IOERR|NOMEM)/, 'See the log of the system for the disk and the memory; each write tries again.'],
  [/^SQLITE_(BUSY|LOCKED)/, 'End the other process that holds the file; each write tries again.'],
  [corrupt, 'Restart Arkwatch, which sets a corrupt file aside and begins a new one.'],
]

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')

/** @returns whether the file or its disk is at fault, and not the statement */
export const isUnavailable = (error: unknown): boolean => remedyOf(error) !== undefined

/** @returns what to do about an error of the file or the disk */
export const remedyOf = (error: unknown): string | undefined => remedies.find(([code]) => code.test(codeOf(error)))?.[1]

const identityOf = (path: string): string | undefined => {
  const seen = statSync(path, { bigint: true, throwIfNoEntry: false })
  return seen && `${seen.dev}:${seen.ino}`
}

/**
 * Remembers which files a connection has open: the file, its log and the index of the log.
 * @returns a check that throws once a path names another file or none, since all that is written then would be lost
 */
export function watchFiles(path: string): () => void {
  const opened = ['', '-wal', '-shm'].map((suffix) => [path + suffix, identityOf(path + suffix)] as const)
  return () => {
    for (const [file, identity] of opened) {
      if (identity === undefined || identity === identityOf(file)) continue
      const what = `${file === path ? 'the file' : basename(file)} was removed or replaced while the store had it open`
      throw Object.assign(new Error(what), { code: moved })
    }
  }
}

/** @returns the path of an area's own file beside the store's; the store's without `file` */
export function fileBeside(path: string, file: string | undefined): string {
  const { dir, name, ext } = parse(path)
  return file === undefined ? path : `${dir}/${name}-${file}${ext}`
}

function connect(path: string, maxBytes: number): Database {
  // For its owner alone from the first byte on; SQLite gives its log the same mode.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  const database = new Database(path, { create: true })
  try {
    database.run('PRAGMA busy_timeout = 2000')
    // Before anything else, which might write to a file that is to be set aside as it is.
    const { quick_check: verdict } = database.query('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (verdict !== 'ok') throw Object.assign(new Error(verdict), { code: 'SQLITE_CORRUPT' })
    database.run('PRAGMA auto_vacuum = INCREMENTAL')
    database.run('PRAGMA journal_mode = WAL')
    database.run('PRAGMA synchronous = FULL')
    const { page_size: pageSize } = database.query('PRAGMA page_size').get() as { page_size: number }
    database.run(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
    database.run(
      'CREATE TABLE IF NOT EXISTS store_areas (name TEXT PRIMARY KEY, version INTEGER NOT NULL, migrated_ms INTEGER NOT NULL) STRICT',
    )
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Renames a corrupt file and begins a new one. @returns `aside`: where the corrupt one is @throws what SQLite says */
export function openFile(
  path: string,
  maxBytes: number,
  nowMs: number,
): { readonly database: Database; readonly aside?: string } {
  try {
    return { database: connect(path, maxBytes) }
  } catch (error) {
    if (!corrupt.test(codeOf(error))) throw error
    const aside = `${path}.corrupt-${new Date(nowMs).toISOString().replaceAll(':', '')}`
    for (const suffix of ['-wal', '-shm', '']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
    }
    return { database: connect(path, maxBytes), aside }
  }
}

/** Reads rows one by one on a separate connection: as they were at the first one, whatever is written in between. */
export function* readRows(path: string, sql: string, params: readonly SqlValue[]): Generator<unknown, void, void> {
  const reader = new Database(path, { readonly: true })
  try {
    const statement = prepare(reader, sql, params, (text) => `SELECT * FROM (${text})`)
    for (const row of statement.iterate(...params)) yield exactRow(row)
  } finally {
    reader.close()
  }
}
