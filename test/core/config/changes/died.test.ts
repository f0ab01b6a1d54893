/** A change is in force and on record, or the next start takes it back, whenever the process dies. */
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { definePlugin } from '../../../../core/contract/definition.ts'
import { z } from '../../../../core/plugin.ts'
import { type TestRuntime, testRuntime } from '../../../../testing/test-runtime.ts'

// Files are written and synced.
setDefaultTimeout(30_000)

let inForce = ''
let onStart: () => unknown = () => {}
const one = definePlugin({
  ...{ api: 1, name: 'one', version: '1.0.0', summary: 'Starts.' },
  config: z.strictObject({ dsn: z.string().default('good').describe('Where.') }),
  setup: ({ config }) => ({
    async start() {
      await onStart()
      inForce = config.dsn
    },
  }),
})

let running: TestRuntime | undefined
const boot = async (data = newData()) => {
  onStart = () => {}
  running = await testRuntime({ plugins: [one], config: { data } })
  return running
}
afterEach(() => running?.stop())
const newData = () => join(mkdtempSync(join(tmpdir(), 'arkwatch-died-')), 'data')
const overlayOf = ({ runtime }: TestRuntime) => {
  const file = join(runtime.dataDir, 'overlay.yaml')
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
const setDsn = (dsn: string) => ({ plugins: { one: { dsn } } })

describe.each([undefined, 10_000])('a change that starts, with a confirmation within %p ms', (confirmWithinMs) => {
  test.each([
    [setDsn('kept'), setDsn('slow')],
    [{}, setDsn('slow')],
    [setDsn('slow'), { plugins: null }],
  ])('is rolled back by the start after a process that died: %j, then %j', async (first, patch) => {
    const data = newData()
    const died = newData()
    const at = await boot(data)
    await at.runtime.changes.apply(first, { by: 'alice' })
    const overlay = overlayOf(at)
    expect(existsSync(join(data, 'overlay.pending.json'))).toBe(false)
    onStart = () => cpSync(data, died, { recursive: true })
    const { state } = await at.runtime.changes.apply(patch, { by: 'alice', confirmWithinMs })
    expect(overlayOf(at)).not.toBe(overlay)
    expect(existsSync(join(data, 'overlay.pending.json'))).toBe(state !== 'applied')
    await at.stop()
    expect(overlayOf(await boot(died))).toBe(overlay)
    expect(readdirSync(died).filter((name) => name.startsWith('overlay'))).toEqual(overlay ? ['overlay.yaml'] : [])
  })
})

test('a change whose record cannot be removed is in force, and the log tells what the next start does', async () => {
  const at = await boot()
  const file = join(at.runtime.dataDir, 'overlay.pending.json')
  onStart = () => {
    rmSync(file)
    mkdirSync(join(file, 'in the way'), { recursive: true })
  }
  expect((await at.runtime.changes.apply(setDsn('other'), { by: 'alice' })).state).toBe('applied')
  expect(inForce).toBe('other')
  expect(at.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
    expect.stringContaining('the next start will roll a change back'),
  ])
})

test('a change during another reload is refused, and writes nothing that this reload would read', async () => {
  const at = await boot()
  let seen: unknown
  onStart = async () => {
    seen = [await at.runtime.changes.apply(setDsn('late'), { by: 'alice' }).catch(({ code }) => code), overlayOf(at)]
  }
  await at.runtime.restart('one')
  expect(seen).toEqual(['RELOAD_BUSY', undefined])
})

test('a refused change whose overlay cannot be put back waits for its rollback, and no other change takes its record', async () => {
  const at = await boot()
  const { changes, dataDir } = at.runtime
  await changes.apply(setDsn('kept'), { by: 'alice' })
  const overlay = overlayOf(at)
  const draft = join(dataDir, 'overlay.yaml.new')
  onStart = () => {
    mkdirSync(join(draft, 'in the way'), { recursive: true })
    throw new Error('no room')
  }
  await expect(changes.apply(setDsn('bad'), { by: 'alice' })).rejects.toThrow('no room')
  onStart = () => {}
  expect(changes.pending?.reason).toContain('not rolled back yet')
  await expect(changes.apply(setDsn('later'), { by: 'alice' })).rejects.toMatchObject({ code: 'CHANGE_PENDING' })
  const died = newData()
  cpSync(dataDir, died, { recursive: true })
  rmSync(draft, { recursive: true })
  while (changes.pending !== undefined) await at.clock.advance(1_000)
  expect([overlayOf(at), inForce]).toEqual([overlay, 'kept'])
  expect(existsSync(join(dataDir, 'overlay.pending.json'))).toBe(false)
  expect((await changes.apply(setDsn('later'), { by: 'alice' })).state).toBe('applied')
  await at.stop()
  rmSync(join(died, 'overlay.yaml.new'), { recursive: true })
  expect(overlayOf(await boot(died))).toBe(overlay)
})

test('a confirmed change is in the overlay, also where the file was removed while the change waited', async () => {
  const at = await boot()
  const { changes, dataDir } = at.runtime
  const file = join(dataDir, 'overlay.yaml')
  await changes.apply(setDsn('other'), { by: 'alice', confirmWithinMs: 10_000 })
  const overlay = overlayOf(at)
  rmSync(file)
  mkdirSync(file)
  expect(() => changes.confirm()).toThrow(expect.objectContaining({ code: 'DATA_FILE_DAMAGED' }))
  expect(changes.pending?.state).toBe('awaiting-confirmation')
  rmSync(file, { recursive: true })
  expect(changes.confirm().state).toBe('confirmed')
  expect(overlayOf(at)).toBe(overlay)
})

test('a refused change leaves the last reload as it was, and nothing to reload', async () => {
  const at = await boot()
  const { lastReload } = at.runtime.status()
  onStart = () => {
    throw new Error('no room')
  }
  await expect(at.runtime.changes.apply(setDsn('bad'), { by: 'alice' })).rejects.toThrow('no room')
  expect(at.runtime.status().lastReload).toEqual(lastReload)
  expect(await at.runtime.isStale()).toBe(false)
})
