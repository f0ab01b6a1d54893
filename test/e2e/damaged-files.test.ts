/** Every file that one process leaves in the data directory for the next one, damaged in every way. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ArkwatchError } from '../../core/contract/errors.ts'
import type { LogRecord } from '../../core/contract/logger.ts'
import { isUp } from '../../core/contract/plugin-state.ts'
import { startControl } from '../../core/control/server.ts'
import { lockData } from '../../core/process/data-lock.ts'
import { createRuntime } from '../../core/runtime.ts'
import { catalog } from '../../plugins/catalog.ts'
import { recordingSink } from '../../testing/test-runtime.ts'

// Each start opens a real store.
setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-damage-'))
const whole = join(folder, 'whole')
afterAll(() => rmSync(folder, { recursive: true }))

/** Starts as `arkwatch start` does. */
async function start(data: string) {
  const lines: LogRecord[] = []
  let lock: ReturnType<typeof lockData> | undefined
  const object = { data, server: { port: 0, drainDelay: '0s' }, plugins: { store: {}, audit: {}, admin: {} } }
  const options = { object, env: {}, catalog, overlays: [], cwd: folder, fallbackSink: recordingSink(lines) }
  try {
    const runtime = await createRuntime({
      ...options,
      accepted: ({ dataDir }) => {
        lock ??= lockData(dataDir)
        return true
      },
    })
    const stop = () => runtime.stop().finally(() => lock?.release())
    try {
      const control = startControl({ dataDir: data, commands: () => runtime.commands(), log: runtime.logger('core') })
      return { runtime, lines, stop: () => control.stop().then(stop) }
    } catch (error) {
      await stop()
      throw error
    }
  } catch (error) {
    lock?.release()
    throw error
  }
}

/** What the start says: the error that ends it, or the plugins that are not `ok`, with the lines of the log. */
async function startOf(data: string): Promise<{ readonly isWhole: boolean; readonly says: string }> {
  try {
    const { runtime, lines, stop } = await start(data)
    const off = runtime.status().plugins.filter(({ state }) => state !== 'ok')
    await stop()
    const says = [
      ...off.map(({ reason }) => reason),
      ...lines.map(({ message, fields }) => message + Bun.inspect(fields)),
    ]
    return { isWhole: off.every(({ state }) => isUp(state)), says: off.length === 0 ? '' : says.join('\n') }
  } catch (error) {
    expect(error).toBeInstanceOf(ArkwatchError)
    const { message, help } = error as ArkwatchError
    return { isWhole: false, says: `${message}\n${help}` }
  }
}

const made = [
  'admin.key',
  'admin.pepper',
  'audit.head',
  'audit.key',
  'overlay.pending.json',
  'overlay.yaml',
  'store.db',
]
const others = ['arkwatch.lock', 'arkwatch.pid', 'arkwatch.sock', 'audit.head.lost-1', 'overlay.yaml.new']

const elsewhereOf = (file: string) => join(dirname(file), 'elsewhere')
const damages: Readonly<Record<string, (file: string, text: Buffer) => void>> = {
  empty: (file) => writeFileSync(file, ''),
  truncated: (file, text) => writeFileSync(file, text.subarray(0, text.length / 2)),
  'of other contents': (file) => writeFileSync(file, '{ not: [what, "it was'),
  null: (file) => writeFileSync(file, 'null'),
  'a directory': (file) => {
    rmSync(file)
    mkdirSync(file)
  },
  'a pipe': (file) => {
    rmSync(file)
    Bun.spawnSync(['mkfifo', file])
  },
  'a link to the file of somebody else': (file, text) => {
    rmSync(file)
    const elsewhere = elsewhereOf(file)
    writeFileSync(elsewhere, text.subarray(0, text.length / 2))
    symlinkSync(elsewhere, file)
  },
}

beforeAll(async () => {
  const { runtime, stop } = await start(whole)
  const patch = { plugins: { admin: { systemMetrics: { every: '30s' } } } }
  await runtime.changes.apply(patch, { by: 'test', confirmWithinMs: 60_000 })
  await stop()
  for (const name of others)
    writeFileSync(join(whole, name), name.startsWith('audit') ? readFileSync(join(whole, 'audit.head')) : '')
  rmSync(join(whole, 'overlay.yaml.new'))
})

test('the files are all that a process leaves', () => {
  const known = [...made, ...others, 'store.db-wal', 'store.db-shm', 'admin-jobs']
  expect(readdirSync(whole).filter((name) => !known.includes(name))).toEqual([])
  expect(made.filter((name) => !readdirSync(whole).includes(name))).toEqual([])
})

describe.each([...made, ...others])('%s', (name) => {
  test.each(Object.keys(damages))('%s: a start works, or names the file', async (damage) => {
    const data = mkdtempSync(join(folder, 'data-'))
    cpSync(whole, data, { recursive: true })
    const file = join(data, name)
    if (name !== 'arkwatch.sock') rmSync(join(data, 'arkwatch.sock'))
    if (name !== 'audit.head.lost-1') rmSync(join(data, 'audit.head.lost-1'))
    if (name === 'overlay.yaml.new') writeFileSync(file, '')
    const text = readFileSync(file)
    damages[damage]!(file, text)
    const linked = existsSync(elsewhereOf(file)) ? readFileSync(elsewhereOf(file)) : undefined
    const { isWhole, says } = await startOf(data)
    if (linked !== undefined) expect(readFileSync(elsewhereOf(file))).toEqual(linked)
    // Without the whole pepper no key is valid.
    if (says !== '' || name === 'admin.pepper') expect(says).toContain(name.replace('.new', ''))
    if (isWhole) return
    rmSync(file, { recursive: true })
    expect(await startOf(data)).toMatchObject({ isWhole: true })
  })
})
