/** The lock by which one process owns a data directory. */
import { Database } from 'bun:sqlite'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coreError, messageOf } from '../contract/errors.ts'
import { blockThread } from './clock.ts'

export type DataLock = ReturnType<typeof lockData>

const lockFile = (dataDir: string) => join(dataDir, 'arkwatch.lock')
const pidFile = (dataDir: string) => join(dataDir, 'arkwatch.pid')

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
    const pid = Number.parseInt(readFileSync(pidFile(dataDir), 'utf8'), 10)
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

/**
 * Locks the data directory for this process; makes the directory (0700) if missing. The lock is the kernel's, held by
 * SQLite's exclusive transaction on an empty file, and ends with the process; `arkwatch.pid` only names the owner.
 * @throws DATA_IN_USE naming the pid, DATA_UNUSABLE @see https://www.sqlite.org/lockingv3.html
 */
export function lockData(dataDir: string) {
  let database: Database | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    // SQLite gives its journal the mode of the file. The file is always empty: whatever is in it goes.
    closeSync(openSync(lockFile(dataDir), 'w', 0o600))
    chmodSync(lockFile(dataDir), 0o600)
    database = new Database(lockFile(dataDir), { create: true })
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
    writeFileSync(pidFile(dataDir), `${process.pid}\n`, { mode: 0o600 })
  } catch (thrown) {
    database?.close()
    if (isBusy(thrown)) throw coreError('DATA_IN_USE', { data: dataDir, pid: holderPid(dataDir) }, thrown)
    throw coreError('DATA_UNUSABLE', { data: dataDir, reason: messageOf(thrown) }, thrown)
  }
  return {
    /** Safe twice. */
    release() {
      if (database === undefined) return
      rmSync(pidFile(dataDir), { force: true })
      database.close()
      database = undefined
    },
  }
}
