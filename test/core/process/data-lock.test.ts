import { expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArkwatchError } from '../../../core/contract/errors.ts'
import { lockData, ownerPid } from '../../../core/process/data-lock.ts'

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

test('a folder that cannot be made is named with the reason', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'arkwatch-lock-')), 'file')
  writeFileSync(file, '')
  const refused = thrownBy(() => lockData(join(file, 'data')))
  expect(refused.code).toBe('DATA_UNUSABLE')
  expect(refused.message).toContain(join(file, 'data'))
})
