/** The lock that makes a data folder belong to one process. */
import { Database } from 'bun:sqlite'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coreError, messageOf } from '../contract/errors.ts'
import { blockThread } from './clock.ts'

export interface DataLock {
  /** Gives the folder up. Safe twice. */
  release(): void
}

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

/** Reads who wrote `arkwatch.pid`. @returns the id of a process that is alive, or undefined */
export function ownerPid(dataDir: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile(dataDir), 'utf8'), 10)
    return pid > 0 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** As {@link ownerPid}, for a folder that is held: its owner writes the file right after it took the lock. */
function holderPid(dataDir: string): number | 'unknown' {
  for (let turn = 0; turn < 5; turn += 1) {
    const pid = ownerPid(dataDir)
    if (pid !== undefined) return pid
    blockThread(10)
  }
  return 'unknown'
}

const isBusy = (thrown: unknown): boolean => String((thrown as { code?: unknown }).code).startsWith('SQLITE_BUSY')

/**
 * Takes the data folder for this process; creates it (0700) if it is missing.
 *
 * The lock is the kernel's, held through SQLite's exclusive transaction on an empty file. It ends with the process
 * however that ends, so a pid that was given to someone else, or a pid of another container, cannot mislead it;
 * `arkwatch.pid` only names the owner.
 * @throws DATA_IN_USE naming the pid, DATA_UNUSABLE
 * @see https://www.sqlite.org/lockingv3.html
 */
export function lockData(dataDir: string): DataLock {
  let database: Database | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    // SQLite gives its journal the mode of the file.
    closeSync(openSync(lockFile(dataDir), 'a', 0o600))
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
  let held: Database | undefined = database
  return {
    release() {
      if (held === undefined) return
      rmSync(pidFile(dataDir), { force: true })
      held.close()
      held = undefined
    },
  }
}
