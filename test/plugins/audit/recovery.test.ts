/** What was wrong with the audit log is shown while it is so: each part is tried again without a further change. */
import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../core/process/clock.ts'
import { Audit } from '../../../plugins/audit/api.ts'
import { HeadFile } from '../../../plugins/audit/chain/head-file.ts'
import audit from '../../../plugins/audit/index.ts'
import { FileSink } from '../../../plugins/audit/journal/file-sink.ts'
import store from '../../../plugins/store/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { type SmallDisk, smallDisk } from '../../support/small-disk.ts'
import { event, newFolder } from './support.ts'

// A thread is started, and a disk is filled.
setDefaultTimeout(60_000)

const mib = 1024 * 1024
const probe = smallDisk(mib)
probe?.remove()
if (probe === undefined) console.warn('NOT TESTED: a full disk needs root, to mount a small file system')
let disk: SmallDisk | undefined
afterEach(() => {
  disk?.remove()
  disk = undefined
})

test.skipIf(probe === undefined)(
  'a disk that was full and has room again is well without a further change',
  async () => {
    disk = smallDisk(4 * mib)!
    const config = { data: disk.folder, plugins: { store: {}, audit: { file: 'copy.jsonl' } } }
    await using booted = await testRuntime({ plugins: [store, audit], config })
    const { runtime, clock } = booted
    const state = () => runtime.status().plugins.find(({ name }) => name === 'audit')!
    const log = runtime.service(Audit)
    await log.record(event('before'), 'ok')
    disk.fill()
    let refused = false
    for (let turn = 0; turn < 200 && !refused; turn += 1)
      refused = await log.record(event('fill', 'x'.repeat(200)), 'ok').then(
        () => false,
        () => true,
      )
    expect(state()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('changes are refused') })
    const tried = async () => {
      await clock.advance(10_000)
      // The writer thread has its own time.
      for (let turn = 0; turn < 20 && state().state === 'degraded'; turn += 1) await systemClock.sleep(10)
      return state()
    }
    expect(await tried()).toMatchObject({ state: 'degraded' })
    const before = await log.page({ limit: 1_000 })
    disk.free()
    expect(await tried()).toMatchObject({ state: 'ok', reason: '' })
    expect(await log.page({ limit: 1_000 })).toEqual(before)
    expect(await log.verify()).toMatchObject({ ok: true })
    await log.record(event('after'), 'ok')
    expect(await log.verify()).toMatchObject({ ok: true })
  },
)

test('the copy of the file sink has every line once when its file can be written again', async () => {
  const folder = newFolder()
  const path = join(folder, 'copy.jsonl')
  const told: (string | undefined)[] = []
  const sink = new FileSink(path, (problem) => told.push(problem))
  const settled = async (count: number) => {
    while (told.length < count) await systemClock.sleep(1)
    return told.at(-1)
  }
  symlinkSync('/dev/full', path)
  sink.add(['a'])
  expect(await settled(1)).toContain('ENOSPC')
  sink.add(['b'])
  expect(await settled(2)).toContain('ENOSPC')
  rmSync(path)
  sink.retry()
  expect(await settled(3)).toBeUndefined()
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
  expect(sink.dropped).toBe(0)
  sink.retry()
  await sink.close()
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
})

test('the signed end is written when its file can be, also without a further record', async () => {
  const folder = join(newFolder(), 'data')
  writeFileSync(folder, '')
  const told: unknown[] = []
  const head = new HeadFile(join(folder, 'audit.head'), (problem) => told.push(problem))
  const checkpoint = { seq: 1, hash: 'h', timeMs: 1, signature: 's' }
  head.put(checkpoint)
  await head.flush()
  expect(String(told.at(-1))).toContain('ENOTDIR')
  rmSync(folder)
  mkdirSync(folder)
  head.retry()
  await head.flush()
  expect(told.at(-1)).toBeUndefined()
  expect(head.read()).toEqual(checkpoint)
})
