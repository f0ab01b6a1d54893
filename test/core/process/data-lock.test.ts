import { expect, test } from 'bun:test'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArkwatchError } from '../../../core/contract/errors.ts'
import type { LogRecord } from '../../../core/contract/logger.ts'
import { lockData, ownerPid, watchLock } from '../../../core/process/data-lock.ts'
import { LogHub } from '../../../core/process/log.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'

const newDir = () => join(mkdtempSync(join(tmpdir(), 'arkwatch-lock-')), 'data')
const lockModule = join(import.meta.dir, '../../../core/process/data-lock.ts')

/** A process that takes the lock, says so, and lives until its stdin closes. */
const holder = (dataDir: string) =>
  Bun.spawn(
    [
      'bun',
      '-e',
      `const { lockData } = await import(${JSON.stringify(lockModule)})
       try { lockData(process.argv[1]); console.log('held') } catch (error) { console.log(error.code + ' ' + error.details.pid) }
       await Bun.stdin.text()`,
      dataDir,
    ],
    { stdin: 'pipe', stdout: 'pipe' },
  )
const firstLine = async (stdout: ReadableStream<Uint8Array>) => {
  for await (const chunk of stdout) return new TextDecoder().decode(chunk).trim()
  return ''
}

const thrownBy = (call: () => unknown): ArkwatchError => {
  try {
    call()
  } catch (thrown) {
    if (thrown instanceof ArkwatchError) return thrown
  }
  throw new Error('nothing of ours was thrown')
}

test('in a folder that others may read, the files of the lock are for their owner alone', () => {
  const dataDir = newDir()
  mkdirSync(dataDir, { recursive: true, mode: 0o755 })
  const lock = lockData(dataDir)
  for (const name of readdirSync(dataDir)) expect([name, statSync(join(dataDir, name)).mode & 0o077]).toEqual([name, 0])
  lock.release()
})

test('the lock creates the folder for its owner alone and names the process', () => {
  const dataDir = newDir()
  const lock = lockData(dataDir)
  expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  expect(readFileSync(join(dataDir, 'arkwatch.pid'), 'utf8')).toBe(`${process.pid}\n`)
  expect(statSync(join(dataDir, 'arkwatch.lock')).mode & 0o777).toBe(0o600)
  expect(ownerPid(dataDir)).toBe(process.pid)
  lock.release()
  lock.release()
  expect(existsSync(join(dataDir, 'arkwatch.pid'))).toBe(false)
})

test('a second holder in the same process is refused, and gets the folder after the release', () => {
  const dataDir = newDir()
  const first = lockData(dataDir)
  const refused = thrownBy(() => lockData(dataDir))
  expect(refused.code).toBe('DATA_IN_USE')
  expect(refused.message).toContain(`process ${process.pid}`)
  first.release()
  lockData(dataDir).release()
})

test('a second holder that is refused leaves the lock against other processes', async () => {
  const dataDir = newDir()
  const lock = lockData(dataDir)
  thrownBy(() => lockData(dataDir))
  const other = holder(dataDir)
  expect(await firstLine(other.stdout)).toBe(`DATA_IN_USE ${process.pid}`)
  other.kill()
  await other.exited
  lock.release()
  // A process of Bun starts.
}, 60_000)

test.each<[string, (dataDir: string) => void]>([
  ['whose file is removed', (dataDir) => rmSync(join(dataDir, 'arkwatch.lock'))],
  ['whose file is moved', (dataDir) => renameSync(join(dataDir, 'arkwatch.lock'), join(dataDir, 'old'))],
  [
    'whose file is replaced',
    (dataDir) => {
      copyFileSync(join(dataDir, 'arkwatch.lock'), join(dataDir, 'new'))
      renameSync(join(dataDir, 'new'), join(dataDir, 'arkwatch.lock'))
    },
  ],
  ['whose id is removed', (dataDir) => rmSync(join(dataDir, 'arkwatch.pid'))],
  ['whose id is overwritten', (dataDir) => writeFileSync(join(dataDir, 'arkwatch.pid'), '1\n')],
  [
    'whose id is a pipe',
    (dataDir) => {
      rmSync(join(dataDir, 'arkwatch.pid'))
      Bun.spawnSync(['mkfifo', join(dataDir, 'arkwatch.pid')])
    },
  ],
  [
    'whose id is a device',
    (dataDir) => {
      rmSync(join(dataDir, 'arkwatch.pid'))
      symlinkSync('/dev/zero', join(dataDir, 'arkwatch.pid'))
    },
  ],
  ['whose file this process read', (dataDir) => readFileSync(join(dataDir, 'arkwatch.lock'))],
  ['whose file this process copied', (dataDir) => cpSync(dataDir, `${dataDir}-copy`, { recursive: true })],
  ['whose file this process wrote', (dataDir) => writeFileSync(join(dataDir, 'arkwatch.lock'), 'text')],
  ['whose directory is removed', (dataDir) => rmSync(dataDir, { recursive: true })],
  [
    'whose directory is moved',
    (dataDir) => {
      renameSync(dataDir, `${dataDir}-old`)
      mkdirSync(dataDir)
    },
  ],
])('a lock %s is taken again', async (_, takeAway) => {
  const dataDir = newDir()
  const lock = lockData(dataDir)
  expect(await lock.keep()).toBe(false)
  takeAway(dataDir)
  expect([await lock.keep(), await lock.keep()]).toEqual([true, false])
  expect(thrownBy(() => lockData(dataDir)).details.pid).toBe(process.pid)
  expect(statSync(join(dataDir, 'arkwatch.lock')).mode & 0o777).toBe(0o600)
  lock.release()
  expect([await lock.keep(), existsSync(join(dataDir, 'arkwatch.pid'))]).toEqual([false, false])
  lockData(dataDir).release()
})

test('a lock that another process took meanwhile is reported once, and taken again when that process has ended', async () => {
  const dataDir = newDir()
  const clock = testClock()
  const lines: LogRecord[] = []
  const found: unknown[] = []
  const lock = lockData(dataDir)
  const log = new LogHub(clock, recordingSink(lines)).logger('core')
  const unwatch = watchLock(lock, clock, log, (reason) => found.push(reason))
  const second = async () => {
    await clock.advance(1_000)
    while (clock.pending === 0) await new Promise(setImmediate)
  }
  await second()
  rmSync(join(dataDir, 'arkwatch.lock'))
  const other = holder(dataDir)
  expect(await firstLine(other.stdout)).toBe('held')
  await second()
  await second()
  const reason = expect.stringContaining(`in use by process ${other.pid}, since the data lock was removed`)
  expect(found).toEqual([undefined, reason, reason])
  expect(lines).toMatchObject([{ level: 'error', fields: { data: dataDir, reason } }])
  expect(ownerPid(dataDir)).toBe(other.pid)
  other.kill('SIGKILL')
  await other.exited
  await second()
  expect([found.at(-1), lines.length, ownerPid(dataDir)]).toEqual([undefined, 2, process.pid])
  unwatch()
  lock.release()
  // A process of Bun starts.
}, 60_000)

test.each([undefined, '/nonexistent'])(
  'a lock that the kernel ended stays with who took it next (its list: %s)',
  async (locks) => {
    const dataDir = newDir()
    const lock = lockData(dataDir, locks)
    const drop = () => readFileSync(join(dataDir, 'arkwatch.lock'))
    drop()
    expect(await lock.keep()).toBe(locks === undefined)
    const refused = holder(dataDir)
    expect(await firstLine(refused.stdout)).toBe(`DATA_IN_USE ${process.pid}`)
    drop()
    const other = holder(dataDir)
    expect(await firstLine(other.stdout)).toBe('held')
    for (const _ of [1, 2]) {
      await expect(lock.keep()).rejects.toMatchObject({ code: 'DATA_IN_USE', details: { pid: other.pid } })
      expect(ownerPid(dataDir)).toBe(other.pid)
    }
    for (const one of [refused, other]) one.kill('SIGKILL')
    await Promise.all([refused.exited, other.exited])
    expect([await lock.keep(), await lock.keep(), ownerPid(dataDir)]).toEqual([true, false, process.pid])
    lock.release()
    // Processes of Bun start.
  },
  60_000,
)

test('another process is refused while the holder lives, and served once it was killed', async () => {
  const dataDir = newDir()
  const other = holder(dataDir)
  expect(await firstLine(other.stdout)).toBe('held')
  const refused = thrownBy(() => lockData(dataDir))
  expect(refused.code).toBe('DATA_IN_USE')
  expect(refused.details.pid).toBe(other.pid)
  other.kill('SIGKILL')
  await other.exited
  lockData(dataDir).release()
  // A process of Bun starts.
}, 60_000)

test('of eight processes that start at once exactly one wins', async () => {
  const dataDir = newDir()
  const all = Array.from({ length: 8 }, () => holder(dataDir))
  const answers = await Promise.all(all.map(({ stdout }) => firstLine(stdout)))
  expect(answers.filter((answer) => answer === 'held')).toHaveLength(1)
  expect(answers.filter((answer) => answer?.startsWith('DATA_IN_USE'))).toHaveLength(7)
  for (const one of all) one.kill('SIGKILL')
  await Promise.all(all.map(({ exited }) => exited))
  // Eight processes of Bun start on as few cores as there are.
}, 120_000)

test('a pid file left behind does not matter, whoever has that pid now', () => {
  const dataDir = newDir()
  lockData(dataDir).release()
  for (const pid of [process.pid, process.ppid, 1, 99_999_999]) {
    writeFileSync(join(dataDir, 'arkwatch.pid'), `${pid}\n`)
    lockData(dataDir).release()
  }
})

test.each([
  ['a pipe', (file: string) => Bun.spawnSync(['mkfifo', file])],
  ['a device', (file: string) => symlinkSync('/dev/zero', file)],
])('a lock whose id became %s is given back, and nobody reads the id', (_, put) => {
  const dataDir = newDir()
  const lock = lockData(dataDir)
  rmSync(join(dataDir, 'arkwatch.pid'))
  put(join(dataDir, 'arkwatch.pid'))
  expect(ownerPid(dataDir)).toBeUndefined()
  lock.release()
  lockData(dataDir).release()
})

test('a folder that cannot be made is named with the reason', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'arkwatch-lock-')), 'file')
  writeFileSync(file, '')
  const refused = thrownBy(() => lockData(join(file, 'data')))
  expect(refused.code).toBe('DATA_UNUSABLE')
  expect(refused.message).toContain(join(file, 'data'))
})
