/** A rollback that is reported is in force, whatever became of the files since the change. */
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { definePlugin, type RollbackSignal, rollbackSignals, z } from '../../../../core/plugin.ts'
import type { RunningRuntime } from '../../../../core/running-runtime.ts'
import { createRuntime } from '../../../../core/runtime.ts'
import { testClock } from '../../../../testing/test-clock.ts'
import { recordingSink } from '../../../../testing/test-runtime.ts'
import { freePort } from '../../../support/services.ts'

// Files are written and synced.
setDefaultTimeout(30_000)

let signals: readonly RollbackSignal[] = []
let refused: string | undefined
const worker = definePlugin({
  ...{ api: 1, name: 'worker', version: '1.0.0', summary: 'Works.' },
  config: z.strictObject({
    dsn: z.string().default('good').describe('Where.'),
    token: z.string().default('').describe('Of a file.'),
  }),
  setup: ({ config }) => ({
    routes: new Hono().get('/dsn', (c) => c.text(config.dsn)),
    contributes: [rollbackSignals(() => signals)],
    start() {
      if (config.dsn === refused) throw new Error(`${refused} does not answer`)
    },
  }),
})

const port = freePort()
const otherPort = freePort()
const baseConfig = (more = '', dsn = 'good') =>
  `server: { host: 127.0.0.1, port: ${port}, drainDelay: 0s, drainTimeout: 0s }
data: ./data
include: [part.yaml]
plugins:
  worker: { token: "\${file:token}", dsn: ${dsn} }
  extra: { from: ./extra.mjs }
${more}`
const change = { server: { port: otherPort }, plugins: { worker: { dsn: 'other' } } }
const core = join(import.meta.dir, '../../../../core/plugin.ts')

let runtime: RunningRuntime | undefined
afterEach(async () => {
  signals = []
  refused = undefined
  await runtime?.stop()
  runtime = undefined
})

async function boot(folder = mkdtempSync(join(tmpdir(), 'arkwatch-rollback-'))) {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('config.yaml', baseConfig())
  write('part.yaml', 'plugins: {}\n')
  write('token', 'secret-1')
  write(
    'extra.mjs',
    `import { definePlugin, z } from ${JSON.stringify(core)}
export default definePlugin({ api: 1, name: 'extra', version: '1.0.0', summary: 'E.', config: z.strictObject({}), setup: () => ({}) })`,
  )
  const clock = testClock()
  const lines: { message: string }[] = []
  const started = await createRuntime({
    ...{ file: 'config.yaml', cwd: folder, env: {}, catalog: {}, overlays: [], plugins: [worker] },
    ...{ clock, fallbackSink: recordingSink(lines as never) },
  })
  runtime = started
  const { changes } = started
  /** Reads of files, which no clock of a test moves. */
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise(setImmediate)
  }
  return {
    ...{ folder, clock, changes, write, until, lines, runtime: started },
    data: (name: string) => join(folder, 'data', name),
    apply: () => changes.apply(change, { by: 'alice', confirmWithinMs: 10_000 }),
    latest: () => changes.history[0]!,
    dsn: async () => (await fetch(`${started.status().listeners[0]!.url}/dsn`)).text(),
  }
}
type Booted = Awaited<ReturnType<typeof boot>>

const breaks: Record<string, (at: Booted) => void> = {
  'config.yaml is not YAML': ({ write }) => write('config.yaml', 'plugins: { worker: ['),
  'config.yaml is gone': ({ folder }) => rmSync(join(folder, 'config.yaml')),
  'config.yaml has an unknown key': ({ write }) => write('config.yaml', baseConfig('sever: {}')),
  'config.yaml does not start': ({ write }) => {
    refused = 'worse'
    write('config.yaml', baseConfig('', 'worse'))
  },
  'config.yaml needs a restart': ({ write }) => write('config.yaml', baseConfig('environment: staging')),
  'the file of a secret is gone': ({ folder }) => rmSync(join(folder, 'token')),
  'an included file is gone': ({ folder }) => rmSync(join(folder, 'part.yaml')),
  'a plugin that config.yaml names is broken': ({ write }) => {
    write('broken.mjs', 'export default {{')
    write('config.yaml', baseConfig().replace('extra.mjs', 'broken.mjs'))
  },
}
const asks: Record<string, (at: Booted) => Promise<void>> = {
  'no confirmation came in time': ({ clock }) => clock.advance(10_000),
  'the check is down': async ({ clock }) => {
    signals = [{ plugin: 'worker', critical: true, what: 'the check is down' }]
    await clock.advance(250)
  },
  'asked for': async ({ changes }) => void (await changes.rollback()),
}

describe('a rollback', () => {
  test.each(
    Object.keys(breaks).flatMap((broken, index) => {
      const reasons = Object.keys(asks)
      return (index === 0 ? reasons : [reasons[index % 3]!]).map((reason) => [broken, reason] as const)
    }),
  )('while %s: %s, and the configuration from before the change is in force', async (broken, reason) => {
    const at = await boot()
    await at.apply()
    expect([await at.dsn(), at.runtime.status().listeners[0]!.url]).toEqual(['other', `http://127.0.0.1:${otherPort}`])
    breaks[broken]!(at)
    await asks[reason]!(at)
    await at.until(() => at.latest().state === 'rolled-back')
    expect(at.latest()).toMatchObject({ reason, state: 'rolled-back', deadlineMs: undefined })
    expect([await at.dsn(), at.runtime.status().listeners[0]!.url]).toEqual(['good', `http://127.0.0.1:${port}`])
    expect(at.runtime.status().lastReload).toMatchObject({ ok: false, error: expect.stringContaining('from memory') })
    expect(at.lines.map(({ message }) => message).join()).toContain('in force, from memory')
    expect(await at.runtime.isStale()).toBe(true)
    expect([existsSync(at.data('overlay.yaml')), existsSync(at.data('overlay.pending.json'))]).toEqual([false, false])
    // The files are whole again: a reload takes them, and the next change works.
    for (const [name, text] of [
      ['config.yaml', baseConfig()] as const,
      ['part.yaml', ''] as const,
      ['token', 't'] as const,
    ])
      at.write(name, text)
    await at.runtime.reload()
    expect([at.runtime.status().lastReload.ok, await at.runtime.isStale(), await at.dsn()]).toEqual([
      true,
      false,
      'good',
    ])
    expect((await at.changes.apply(change, { by: 'bob' })).state).toBe('applied')
  })

  test('that fails leaves the change waiting, says why, and is tried again by the clock', async () => {
    const at = await boot()
    const { id } = await at.apply()
    refused = 'good'
    await at.clock.advance(10_000)
    await at.until(() => at.latest().reason.includes('not rolled back yet'))
    const waiting = {
      ...{ id, state: 'awaiting-confirmation', deadlineMs: undefined },
      reason: expect.stringMatching(/^no confirmation came in time; not rolled back yet: .*good does not answer/),
    }
    expect(at.latest()).toMatchObject(waiting)
    expect(at.changes.pending).toEqual(at.latest())
    expect(await at.dsn()).toBe('other')
    expect(existsSync(at.data('overlay.pending.json'))).toBe(true)
    const failure = { code: 'CHANGE_NOT_ROLLED_BACK', message: expect.stringContaining('good does not answer') }
    await expect(at.changes.rollback()).rejects.toMatchObject(failure)
    expect(() => at.changes.confirm(id)).toThrow(expect.objectContaining(failure))
    await expect(at.changes.apply(change, { by: 'bob' })).rejects.toMatchObject({ code: 'CHANGE_PENDING' })
    const attempts = () =>
      at.lines.filter(({ message }) => message === 'the configuration could not be rolled back').length
    for (let waitedMs = 0; waitedMs < 4_000_000; waitedMs += 300_000) {
      const before = attempts()
      await at.clock.advance(300_000)
      await at.until(() => attempts() > before)
    }
    expect(attempts()).toBeLessThan(25)
    expect(at.clock.pending).toBeLessThan(5)
    refused = undefined
    await at.clock.advance(300_000)
    await at.until(() => at.latest().state === 'rolled-back')
    expect([await at.dsn(), at.changes.pending, at.runtime.status().lastReload.ok]).toEqual(['good', undefined, true])
    expect(existsSync(at.data('overlay.pending.json'))).toBe(false)
  })

  test('that failed is completed by the next start', async () => {
    const at = await boot()
    await at.apply()
    refused = 'good'
    await expect(at.changes.rollback()).rejects.toMatchObject({ code: 'CHANGE_NOT_ROLLED_BACK' })
    await at.runtime.stop()
    expect(at.clock.pending).toBe(0)
    refused = undefined
    expect(await (await boot(at.folder)).dsn()).toBe('good')
  })

  test('that cannot be written is in force immediately, and ends when it is written', async () => {
    const at = await boot()
    await at.changes.apply({ plugins: { worker: { dsn: 'first' } } }, { by: 'alice' })
    await at.apply()
    mkdirSync(at.data('overlay.yaml.new'))
    await at.clock.advance(10_000)
    await at.until(() => at.latest().reason.includes('not rolled back yet'))
    expect(at.latest().reason).toContain('overlay.yaml')
    expect(await at.dsn()).toBe('first')
    rmdirSync(at.data('overlay.yaml.new'))
    await at.changes.rollback()
    expect(at.latest().state).toBe('rolled-back')
    expect(readFileSync(at.data('overlay.yaml'), 'utf8')).toContain('first')
    expect([await at.dsn(), existsSync(at.data('overlay.pending.json'))]).toEqual(['first', false])
  })

  test('that two ask for is made once', async () => {
    const at = await boot()
    await at.apply()
    const [one, other] = await Promise.all([at.changes.rollback(), at.changes.rollback()])
    expect(other).toEqual(one)
    expect(at.runtime.status().generation).toBe(3)
  })
})
