/** The lock by which one process owns a data directory. */
import { Database } from 'bun:sqlite'
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../contract/clock.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import { blockThread } from './clock.ts'
import { readTextFile, readTextFileSync } from './files/text-file.ts'

export type DataLock = ReturnType<typeof lockData>

const lockFile = (dataDir: string) => join(dataDir, 'arkwatch.lock')
const pidFile = (dataDir: string) => join(dataDir, 'arkwatch.pid')

const ownLine = `${process.pid}\n`

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** @returns the id in `arkwatch.pid` if that process is alive */
export function ownerPid(dataDir: string): number | undefined {
  try {
    const pid = Number.parseInt(readTextFileSync(pidFile(dataDir)), 10)
    return pid > 0 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** The owner writes the file right after taking the lock. */
function holderPid(dataDir: string): number | 'unknown' {
  for (let turn = 0; turn < 5; turn += 1) {
    const pid = ownerPid(dataDir)
    if (pid !== undefined) return pid
    blockThread(10)
  }
  return 'unknown'
}

/** Writes a new file: a link in its place would lead to another one, and a pipe is waited for. */
function writePid(dataDir: string): void {
  rmSync(pidFile(dataDir), { force: true })
  writeFileSync(pidFile(dataDir), ownLine, { mode: 0o600, flag: 'wx' })
}

const isBusy = (thrown: unknown): boolean => String((thrown as { code?: unknown }).code).startsWith('SQLITE_BUSY')

/** @returns the process that holds the lock of a directory; a process that only got the id of a killed one does not */
export function lockHolder(dataDir: string): number | undefined {
  const pid = ownerPid(dataDir)
  if (pid === undefined) return undefined
  let database: Database | undefined
  try {
    database = new Database(lockFile(dataDir), { readonly: true })
    database.query('SELECT 1 FROM sqlite_master').all()
    return undefined
  } catch (thrown) {
    return isBusy(thrown) ? pid : undefined
  } finally {
    database?.close()
  }
}

const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`

const tableOf = (locks: string): string => {
  try {
    return readFileSync(locks, 'utf8')
  } catch {
    return ''
  }
}

/** @param table text of /proc/locks @returns whether it has a lock of this process on the file of an identity */
const isListed = (table: string, identity: string): boolean =>
  new RegExp(` POSIX +\\w+ +WRITE ${process.pid} \\S+:${identity.split(':')[1]} `).test(table)

/**
 * Takes the lock of a connection again: this process lost it where any of its code opened and closed the file. The same
 * connection, as closing a second one would end the lock again.
 * @throws what SQLite or the file system says
 */
function retake(database: Database, file: string): void {
  if (database.inTransaction) database.run('ROLLBACK')
  if (statSync(file).size > 0) truncateSync(file)
  database.run('BEGIN EXCLUSIVE')
}

/** @throws what SQLite or the file system says */
function take(dataDir: string) {
  const file = lockFile(dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // SQLite gives its journal the mode of the file, which is always empty: whatever is in it goes. A file that this
  // process holds is not opened here: closing it would end the lock.
  const seen = lstatSync(file, { throwIfNoEntry: false })
  // A link would empty another file, and a pipe is waited for.
  if (seen !== undefined && !seen.isFile()) throw new Error(`${file} is not a regular file`)
  if (seen?.size !== 0) closeSync(openSync(file, 'w', 0o600))
  chmodSync(file, 0o600)
  const database = new Database(file, { create: true })
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
    writePid(dataDir)
    return { database, identity: identityOf(statSync(file, { bigint: true })) }
  } catch (thrown) {
    database.close()
    throw thrown
  }
}

/**
 * Locks the data directory for this process; makes the directory (0700) if missing. The lock is the kernel's, held by
 * SQLite's exclusive transaction on an empty file, and ends with the process; `arkwatch.pid` only names the owner.
 * @param locks the kernel's table of locks
 * @throws DATA_IN_USE naming the pid, DATA_UNUSABLE @see https://www.sqlite.org/lockingv3.html
 */
export function lockData(dataDir: string, locks = '/proc/locks') {
  const attempt = <T>(call: () => T, pidOf: (dataDir: string) => unknown): T => {
    try {
      return call()
    } catch (thrown) {
      if (isBusy(thrown)) throw coreError('DATA_IN_USE', { data: dataDir, pid: pidOf(dataDir) }, thrown)
      throw coreError('DATA_UNUSABLE', { data: dataDir, reason: messageOf(thrown) }, thrown)
    }
  }
  let held: ReturnType<typeof take> | undefined = attempt(() => take(dataDir), holderPid)
  /** Not where /proc is of other processes, or the file system has its own inodes. */
  const isListedFirst = isListed(tableOf(locks), held.identity)
  const readPid = () => readTextFile(pidFile(dataDir)).catch(() => '')
  return {
    dataDir,
    /**
     * Takes the lock again where another process could take it: its file was removed or replaced, or the kernel ended
     * the lock as code of this process closed the file. Without a list of the kernel it is taken again each time.
     * @returns whether that was so @throws DATA_IN_USE where another process has taken it, DATA_UNUSABLE
     */
    async keep(): Promise<boolean> {
      const seen = await stat(lockFile(dataDir), { bigint: true }).then(identityOf, () => undefined)
      const pid = await readPid()
      const table = await readFile(locks, 'utf8').catch(() => '')
      if (held === undefined) return false
      const { database, identity } = held
      const pidOf = () => ownerPid(dataDir) ?? 'unknown'
      if (seen !== identity) {
        held = attempt(() => take(dataDir), pidOf)
        database.close()
        return true
      }
      const isHeld = isListed(table, identity)
      const wasLost = isListedFirst && !isHeld
      if (!isHeld) attempt(() => retake(database, lockFile(dataDir)), pidOf)
      if (pid !== ownLine) writePid(dataDir)
      return wasLost || pid !== ownLine
    },
    /** Safe twice. */
    release() {
      if (held === undefined) return
      if (ownerPid(dataDir) === process.pid) rmSync(pidFile(dataDir), { force: true })
      held.database.close()
      held = undefined
    },
  }
}

const watchMs = 1_000

/**
 * Looks after the lock once a second: takes it again where it was removed, and logs what happened.
 * @param found called each time, with the reason where the lock could not be taken again; never throws
 * @returns ends it
 */
export function watchLock(
  lock: DataLock,
  clock: Pick<Clock, 'every'>,
  log: Logger,
  found: (reason: string | undefined) => unknown,
): () => void {
  const { dataDir: data } = lock
  let lost: string | undefined
  return clock.every(watchMs, async () => {
    let reason: string | undefined
    try {
      if (await lock.keep()) log.warn('the data lock was removed, replaced or ended, and is taken again', { data })
    } catch (error) {
      reason = `${messageOf(error)}, since the data lock was removed, replaced or ended`
      if (reason !== lost) log.error('the data lock is lost: let only one process use the directory', { data, reason })
    }
    lost = reason
    await found(reason)
  })
}
