import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { definePlugin } from '../../../core/contract/definition.ts'
import { type Trouble, troubles } from '../../../core/contract/runtime-api.ts'
import { service, z } from '../../../core/plugin.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { type TestRuntime, testRuntime } from '../../../testing/test-runtime.ts'

// Files are written and synced.
setDefaultTimeout(30_000)

const codeOf = async (request: Promise<unknown> | (() => unknown)) => {
  try {
    await (typeof request === 'function' ? request() : request)
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

let starts: string[] = []
let trouble: readonly Trouble[] = []
let probeError: Error | undefined
const probe = () => {
  if (probeError !== undefined) throw probeError
  return trouble
}
/** Counts its requests; refuses to start with `dsn: bad`; can be told to fall over. */
const worker = (name: string) =>
  definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'Counts.',
    config: z.strictObject({
      dsn: z.string().default('good').describe('Where.'),
      server: z.boolean().default(true).describe('Whether.'),
    }),
    setup({ config, inherited }) {
      let served = (inherited as number | undefined) ?? 0
      const routes = new Hono()
      routes.get(`/${name}`, (c) => c.json({ served: ++served, dsn: config.dsn }))
      return {
        routes,
        contributes: name === 'two' ? [troubles(probe)] : [],
        start() {
          if (config.dsn === 'bad') throw new Error('the database does not answer')
          starts.push(`${name} ${config.dsn}`)
        },
        handover: () => ({ state: served, resume() {} }),
      }
    },
  })

let running: TestRuntime | undefined
const boot = async (data?: string) => {
  starts = []
  const config = data === undefined ? {} : { data }
  running = await testRuntime({ plugins: [worker('one'), worker('two')], config })
  return running
}
const newData = () => join(mkdtempSync(join(tmpdir(), 'arkwatch-changes-')), 'data')
afterEach(async () => {
  probeError = undefined
  await running?.stop()
  running = undefined
})
/** The reload of a rollback reads files, which no clock of a test moves. */
const rolledBack = async ({ runtime }: TestRuntime) => {
  while (runtime.changes.history[0]?.state !== 'rolled-back') await new Promise(setImmediate)
}
const get = async (runtime: TestRuntime, path: string) => (await runtime.fetch(path)).json()
const overlayOf = ({ runtime }: TestRuntime) => {
  const file = join(runtime.dataDir, 'overlay.yaml')
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
const setDsn = (dsn: string) => ({ plugins: { one: { dsn } } })

describe('a change', () => {
  test('is planned without anything being written', async () => {
    const at = await boot()
    const { steps } = await at.runtime.changes.plan(setDsn('other'))
    expect(steps.map(({ plugin, action }) => `${plugin} ${action}`)).toEqual(['one replace', 'two untouched'])
    expect(overlayOf(at)).toBeUndefined()
    expect(readdirSync(at.runtime.dataDir).filter((name) => name.startsWith('overlay'))).toEqual([])
  })

  test('is applied, kept in the overlay for the owner alone, and taken away by null', async () => {
    const at = await boot()
    const change = await at.runtime.changes.apply(setDsn('other'), { by: 'alice' })
    expect(change).toMatchObject({ state: 'applied', by: 'alice' })
    expect(await get(at, '/one')).toEqual({ served: 1, dsn: 'other' })
    expect(statSync(join(at.runtime.dataDir, 'overlay.yaml')).mode & 0o777).toBe(0o600)
    await at.runtime.changes.apply({ plugins: null }, { by: 'alice' })
    expect(overlayOf(at)).toBeUndefined()
    expect(await get(at, '/one')).toEqual({ served: 2, dsn: 'good' })
    expect(at.runtime.changes.history.map(({ by }) => by)).toEqual(['alice', 'alice'])
  })

  test('cannot include files, and is told so', async () => {
    const { runtime } = await boot()
    await expect(runtime.changes.plan({ include: ['more.yaml'] })).rejects.toMatchObject({
      problems: [{ pointer: '/include', help: expect.stringContaining('Only a file of the configuration includes') }],
    })
    await expect(runtime.changes.plan({ include: ['more.yaml'] })).rejects.not.toThrow(/known keys: .*include/)
  })

  test.each([
    ['# edited', 'a rollback'],
    ['', 'a rollback'],
    [undefined, 'a rollback'],
    ['# edited', 'the next start'],
    [undefined, 'the next start'],
  ])('that is rolled back keeps edits of the overlay, and says where: %p, %s', async (edit, by) => {
    const data = newData()
    const at = await boot(data)
    await at.runtime.changes.apply(setDsn('kept'), { by: 'alice' })
    await at.runtime.changes.apply(setDsn('other'), { by: 'alice', confirmWithinMs: 10_000 })
    if (edit !== undefined) writeFileSync(join(data, 'overlay.yaml'), edit)
    if (by === 'a rollback') await at.runtime.changes.rollback()
    else await at.runtime.stop()
    const { lines } = by === 'a rollback' ? at : await boot(data)
    const file = join(data, 'overlay.edited.yaml')
    const kept = lines.filter(({ message }) => message.includes('the edits are kept'))
    expect(kept.map(({ fields }) => fields?.file)).toEqual(edit === undefined ? [] : [file])
    expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(edit as string)
    expect(overlayOf(at)).toContain('kept')
  })

  test('that cannot start leaves everything as it was, the overlay too', async () => {
    const at = await boot()
    await get(at, '/one')
    await get(at, '/two')
    expect(await codeOf(at.runtime.changes.apply(setDsn('bad'), { by: 'alice', confirmWithinMs: 1_000 }))).toBe(
      'RELOAD_FAILED',
    )
    expect(overlayOf(at)).toBeUndefined()
    expect(existsSync(join(at.runtime.dataDir, 'overlay.pending.json'))).toBe(false)
    expect(await get(at, '/one')).toEqual({ served: 2, dsn: 'good' })
    expect(await get(at, '/two')).toEqual({ served: 2, dsn: 'good' })
  })

  test('whose overlay cannot be written is refused and leaves no record of a pending change', async () => {
    const at = await boot()
    const { dataDir, changes } = at.runtime
    mkdirSync(join(dataDir, 'overlay.yaml.new'), { recursive: true })
    expect(await codeOf(changes.apply(setDsn('new'), { by: 'alice', confirmWithinMs: 1_000 }))).toBe('DATA_UNUSABLE')
    expect([existsSync(join(dataDir, 'overlay.pending.json')), changes.pending]).toEqual([false, undefined])
    expect(await get(at, '/one')).toMatchObject({ dsn: 'good' })
  })

  test('takes text literally: nobody reads our files or variables by it', async () => {
    const at = await boot()
    await at.runtime.changes.apply(setDsn('${file:/etc/passwd}'), { by: 'mallory' })
    expect(await get(at, '/one')).toMatchObject({ dsn: '${file:/etc/passwd}' })
  })

  test('that is not valid is refused with its place', async () => {
    const at = await boot()
    const error = await at.runtime.changes
      .apply({ plugins: { one: { dns: 'x' } } }, { by: 'a' })
      .catch((thrown) => thrown)
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.problems[0]).toMatchObject({ pointer: '/plugins/one/dns', help: 'did you mean "dsn"?' })
    expect(overlayOf(at)).toBeUndefined()
  })

  test('against another overlay than the one it was planned for is refused', async () => {
    const at = await boot()
    const { etag } = await at.runtime.changes.plan(setDsn('a'))
    await at.runtime.changes.apply(setDsn('b'), { by: 'bob', etag })
    expect(await codeOf(at.runtime.changes.apply(setDsn('a'), { by: 'alice', etag }))).toBe('CHANGE_STALE')
  })
})

describe('a change that waits for its confirmation', () => {
  const apply = (at: TestRuntime, more = {}) =>
    at.runtime.changes.apply(setDsn('other'), { by: 'alice', confirmWithinMs: 10_000, ...more })

  test('is taken back when none comes, and the other plugin is never touched', async () => {
    const at = await boot()
    await get(at, '/two')
    const { id } = await apply(at)
    expect(existsSync(join(at.runtime.dataDir, 'overlay.pending.json'))).toBe(true)
    expect(await codeOf(at.runtime.changes.apply(setDsn('x'), { by: 'bob' }))).toBe('CHANGE_PENDING')
    await at.clock.advance(9_999)
    expect(at.runtime.changes.pending?.id).toBe(id)
    await at.clock.advance(1)
    await rolledBack(at)
    expect(at.runtime.changes.pending).toBeUndefined()
    expect(at.runtime.changes.history[0]).toMatchObject({
      id,
      state: 'rolled-back',
      reason: 'no confirmation came in time',
    })
    expect(await get(at, '/one')).toEqual({ served: 1, dsn: 'good' })
    expect(await get(at, '/two')).toEqual({ served: 2, dsn: 'good' })
    expect(starts).toEqual(['one good', 'two good', 'one other', 'one good'])
    expect(overlayOf(at)).toBeUndefined()
  })

  test('stays when it is confirmed', async () => {
    const at = await boot()
    const { id } = await apply(at)
    expect(await codeOf(() => at.runtime.changes.confirm('another'))).toBe('CHANGE_UNKNOWN')
    expect(at.runtime.changes.confirm(id).state).toBe('confirmed')
    await at.clock.advance(60_000)
    expect(await get(at, '/one')).toMatchObject({ dsn: 'other' })
    expect(await codeOf(at.runtime.changes.rollback(id))).toBe('CHANGE_UNKNOWN')
  })

  test.each<[string, string | undefined, string[]]>([
    ['a service that one plugin needs', 'one', ['base']],
    ['a service that plugins need in a row', 'one', ['base', 'two']],
    ['a plugin and those that need its services', undefined, ['base', 'one', 'two']],
    ['a plugin whose services nobody needs', undefined, ['two']],
    ['nothing', undefined, []],
  ])('that takes away %s: it would block %p, and is refused or waits on', async (_, blocked, off) => {
    const token = (id: string) => service<object>(id)
    const chained = (name: string, need?: string) =>
      definePlugin({
        ...{ api: 1, name, version: '1.0.0', summary: 'A link.', config: z.strictObject({}) },
        provides: { own: token(name) },
        needs: need === undefined ? {} : { need: token(need) },
        setup: () => ({ services: { own: {} } }),
      })
    running = await testRuntime({ plugins: [chained('base'), chained('one', 'base'), chained('two', 'one')] })
    const { changes } = running.runtime
    const patch = { plugins: Object.fromEntries(off.map((name) => [name, { enabled: false }])) }
    const applied = changes.apply(patch, { by: 'alice', confirmWithinMs: 10_000 })
    if (blocked === undefined) {
      const { id } = await applied
      await running.clock.advance(9_000)
      expect(changes.pending?.id).toBe(id)
    } else {
      const message = `a service that the running plugin ${blocked} needs, and would be rolled back: needs the service base`
      await expect(applied).rejects.toMatchObject({
        code: 'CHANGE_BLOCKS',
        message: expect.stringContaining(message),
      })
      expect([overlayOf(running), changes.history, changes.pending]).toEqual([undefined, [], undefined])
      expect((await changes.apply(patch, { by: 'alice' })).state).toBe('applied')
    }
  })

  test('that was rolled back is named, with the reason, to those who confirm or roll back', async () => {
    const at = await boot()
    const { id } = await apply(at)
    await at.clock.advance(10_000)
    await rolledBack(at)
    for (const asked of [undefined, id]) {
      const message = `${id} was rolled back (no confirmation came in time)`
      expect(() => at.runtime.changes.confirm(asked)).toThrow(message)
      await expect(at.runtime.changes.rollback(asked)).rejects.toThrow(message)
    }
  })

  test('is taken back when asked', async () => {
    const at = await boot()
    const { id } = await apply(at)
    expect(await at.runtime.changes.rollback(id)).toMatchObject({ state: 'rolled-back', reason: 'asked for' })
    expect(await get(at, '/one')).toMatchObject({ dsn: 'good' })
  })

  test.each<[string, string, boolean, boolean]>([
    ['critical trouble that was not there', 'two', true, true],
    ['trouble of a plugin that it touched', 'one', false, true],
    ['trouble of a plugin that it did not touch', 'two', false, false],
  ])('%s: of %s, critical %p, takes it back: %p', async (_, plugin, critical, back) => {
    const at = await boot()
    const known = { plugin: 'one', critical: true, what: 'the old check is down' }
    trouble = [known]
    await apply(at)
    await at.clock.advance(1_000)
    expect(at.runtime.changes.pending).toBeDefined()
    trouble = [known, { plugin, critical, what: 'the new check is down' }]
    await at.clock.advance(250)
    if (back) await rolledBack(at)
    trouble = []
    if (back)
      expect(at.runtime.changes.history[0]).toMatchObject({ state: 'rolled-back', reason: 'the new check is down' })
    else expect(at.runtime.changes.pending).toBeDefined()
    expect(await get(at, '/one')).toMatchObject({ dsn: back ? 'good' : 'other' })
  })

  test('is applied although a contributed probe throws, and that plugin is degraded', async () => {
    const at = await boot()
    probeError = new Error('the probe is broken')
    expect((await apply(at)).state).toBe('awaiting-confirmation')
    const two = at.runtime.status().plugins.find(({ name }) => name === 'two')
    expect(two).toMatchObject({ state: 'degraded', reason: expect.stringContaining('the probe is broken') })
  })

  test('is still watched after a contributed probe threw', async () => {
    const at = await boot()
    await apply(at)
    probeError = new Error('the probe is broken')
    await at.clock.advance(250)
    expect(at.runtime.status().plugins.map(({ state }) => state)).toEqual(['ok', 'degraded'])
    probeError = undefined
    trouble = [{ plugin: 'one', critical: true, what: 'the new check is down' }]
    await at.clock.advance(250)
    await rolledBack(at)
    trouble = []
    expect(at.runtime.changes.history[0]).toMatchObject({ state: 'rolled-back', reason: 'the new check is down' })
  })

  const pendingOf = (data: string) => join(data, 'overlay.pending.json')

  test('is rolled back at the next start when the process ended before', async () => {
    const data = newData()
    const first = await boot(data)
    const { id } = await apply(first)
    await first.stop()
    const next = await boot(data)
    expect(await get(next, '/one')).toMatchObject({ dsn: 'good' })
    expect(existsSync(pendingOf(data))).toBe(false)
    const told = next.lines.find(({ message }) => message === 'configuration rolled back')
    expect(told?.fields).toMatchObject({ change: id })
  })

  test('leaves nothing to do after a stop: no timer, no file that is written', async () => {
    const data = newData()
    const at = await boot(data)
    await apply(at)
    const files = () => readdirSync(data).map((name) => `${name} ${readFileSync(join(data, name), 'utf8')}`)
    const before = files()
    await at.stop()
    expect(at.clock.pending).toBe(0)
    await at.clock.advance(60_000)
    expect(files()).toEqual(before)
    expect(at.runtime.changes.history[0]?.state).toBe('awaiting-confirmation')
  })
})

describe('a restart of one plugin', () => {
  test('starts it without the state of before, and leaves the others alone', async () => {
    const at = await boot()
    await get(at, '/one')
    await get(at, '/two')
    const steps = await at.runtime.restart('one')
    expect(steps.map(({ plugin, action }) => `${plugin} ${action}`)).toEqual(['one replace', 'two untouched'])
    expect(await get(at, '/one')).toEqual({ served: 1, dsn: 'good' })
    expect(await get(at, '/two')).toEqual({ served: 2, dsn: 'good' })
    expect(await codeOf(at.runtime.restart('three'))).toBe('PLUGIN_NOT_THERE')
  })
})

describe('without a data directory', () => {
  test('a change is planned, and the first one that is applied makes the directory', async () => {
    const data = newData()
    const at = await boot(data)
    await at.runtime.changes.plan(setDsn('other'))
    expect(existsSync(data)).toBe(false)
    await at.runtime.changes.apply(setDsn('other'), { by: 'alice' })
    expect(statSync(data).mode & 0o777).toBe(0o700)
    expect(await get(at, '/one')).toMatchObject({ dsn: 'other' })
  })
})

test('under load no request of another route fails while a change is applied and taken back', async () => {
  starts = []
  const clock = testClock()
  running = await testRuntime({ plugins: [worker('one'), worker('two')], config: { server: { port: 0 } }, clock })
  const { url } = running.runtime.status().listeners[0]!
  let over = false
  const statuses: Record<number, number> = {}
  const load = Array.from({ length: 4 }, async () => {
    while (!over) {
      const { status } = await fetch(`${url}/two`)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  })
  for (let round = 0; round < 5; round += 1) {
    await codeOf(running.runtime.changes.apply(setDsn('bad'), { by: 'a' }))
    await running.runtime.changes.apply(setDsn(`v${round}`), { by: 'a', confirmWithinMs: 1_000 })
    await clock.advance(1_000)
    await rolledBack(running)
  }
  over = true
  await Promise.all(load)
  expect(Object.keys(statuses)).toEqual(['200'])
  expect(((await get(running, '/two')) as { served: number }).served).toBe(statuses[200]! + 1)
  expect(starts.filter((each) => each.startsWith('two'))).toHaveLength(1)
})
