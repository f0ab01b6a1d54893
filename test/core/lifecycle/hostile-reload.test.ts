/** A reload of a plugin that throws or returns anything in each phase: refused or done as a whole, and the others go on. */
import { describe, expect, test } from 'bun:test'
import type { ConfigError } from '../../../core/config/errors.ts'
import { type ConfigContext, controlCommand, extensionPoint, service } from '../../../core/plugin.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { type Context, fail, hostileValues, plugin } from '../../support/hostile.ts'

type Border = (make: () => unknown, context: Context) => unknown

interface Counter {
  next(): number
}
const Counter = service<Counter>('keep.counter')

/** A counter that does not count while it is suspended. */
const keep = (exclusive: boolean) =>
  plugin(
    'keep',
    ({ inherited }) => {
      let count = (inherited as number | undefined) ?? 0
      let isSuspended = false
      const next = () => (isSuspended ? fail(new Error('suspended')) : ++count)
      const handover = () => {
        isSuspended = true
        const resume = () => {
          isSuspended = false
        }
        return { state: count, resume }
      }
      return { services: { counter: { next } }, handover }
    },
    { provides: { counter: Counter }, exclusive },
  )

/** What the plugin does from its second configuration on. */
const borders: Readonly<Record<string, Border>> = {
  'setup throws': (make, { config }) => (config.n > 0 ? fail(make()) : {}),
  'setup returns': (make, { config }) => (config.n > 0 ? make() : {}),
  'the routes are': (make, { config }) => ({ routes: config.n > 0 ? make() : undefined }),
  'the hooks are': (make, { config }) => ({ hooks: config.n > 0 ? make() : undefined }),
  'start throws': (make, { config }) => ({ start: () => (config.n > 0 ? fail(make()) : undefined) }),
  'ready throws': (make, { config }) => ({ ready: () => (config.n > 0 ? fail(make()) : undefined) }),
  'reconfigure throws': (make) => ({ reconfigure: () => fail(make()) }),
  'reconfigure returns': (make) => ({ reconfigure: make }),
  'reconfigure returns as routes': (make) => ({ reconfigure: () => ({ routes: make() }) }),
  'reconfigure returns as hooks': (make) => ({ reconfigure: () => ({ hooks: make() }) }),
  'settled throws': (make) => ({ reconfigure() {}, settled: () => fail(make()) }),
  'settled returns': (make) => ({ reconfigure() {}, settled: make }),
  'handover throws': (make) => ({ handover: () => fail(make()) }),
  'handover returns': (make) => ({ handover: make }),
  'the getter of the state throws': (make) => ({
    handover: () => Object.defineProperty({ resume() {} }, 'state', { get: () => fail(make()) }),
  }),
  'the state never settles beside': (make) => ({ handover: () => ({ state: new Promise(() => {}), resume: make }) }),
  'the getter of each hook throws': (make, { config }) => ({
    hooks: Object.defineProperties(
      {},
      config.n > 0 ? { context: { get: () => fail(make()) }, observe: { get: () => fail(make()) } } : {},
    ),
  }),
  'the getter of context throws': (make, { config }) => ({
    hooks: Object.defineProperties({}, config.n > 0 ? { context: { get: () => fail(make()) } } : {}),
  }),
  'a listener of the signal throws': (make, { signal }) => ({
    start: () => signal.addEventListener('abort', () => fail(make())),
  }),
  'a listener of the signal rejects with': (make, { signal }) => ({
    start: () => signal.addEventListener('abort', async () => fail(make())),
  }),
  'onabort of the signal throws': (make, { signal }) => ({
    start() {
      signal.onabort = () => fail(make())
    },
  }),
  'resume throws': (make, { config }) => ({
    start: () => (config.n > 0 ? fail(new Error('refused')) : undefined),
    handover: () => ({ state: 1, resume: () => fail(make()) }),
  }),
  'stop throws': (make) => ({ stop: () => fail(make()) }),
  'an undo throws': (make, { defer }) => ({ start: () => defer(() => fail(make())) }),
}

for (const exclusive of [false, true]) {
  describe(`beside ${exclusive ? 'an exclusive' : 'a'} plugin that is replaced`, () => {
    test.each(Object.entries(borders))('%s what is hostile', async (_, border) => {
      for (const [name, make] of Object.entries(hostileValues)) {
        if (name.endsWith('rejects') && border !== borders['reconfigure returns']) continue
        const evil = plugin('evil', (context) => border(make, context))
        await using booted = await testRuntime({ plugins: [keep(exclusive), evil] })
        const { runtime, reload } = booted
        const config = (n: number) => ({ plugins: { keep: { n }, evil: { n } } })
        expect(runtime.service(Counter).next()).toBe(1)
        const outcome = await reload(config(1)).then(
          () => 'done',
          (error) => error.code,
        )
        expect(['done', 'RELOAD_FAILED']).toContain(outcome)
        expect(runtime.service(Counter).next()).toBe(2)
        const states = runtime.status().plugins.map(({ name, state }) => `${name} ${state}`)
        expect(states[0]).toBe('keep ok')
        expect(['evil ok', 'evil degraded']).toContain(states[1]!)
        await reload(config(0)).catch(() => {})
        expect(runtime.service(Counter).next()).toBe(3)
        expect(await booted.stop()).toEqual({ hung: [] })
      }
    })
  })
}

test('an undo that registers itself ends, and is reported', async () => {
  const evil = plugin('evil', ({ defer }) => {
    const again = () => defer(again)
    return { start: () => defer(again) }
  })
  const booted = await testRuntime({ plugins: [evil] })
  expect(await booted.stop()).toEqual({ hung: [] })
  expect(booted.lines.map(({ message }) => message)).toContain('undo of plugin evil threw')
})

/** Each makes a thousand faults once the clock moves. */
const floods: Record<string, (context: Context, fault: () => never) => unknown> = {
  'a timer of plugin evil threw': ({ clock }, fault) => {
    for (let at = 0; at < 1_000; at += 1) clock.after(1, fault)
  },
  'plugin evil: its contribution to core.controlCommand is left out': ({ clock, contribute }) => {
    const flap = () => contribute(controlCommand(null as never))()
    clock.after(1, () => Array.from({ length: 1_000 }, flap))
  },
  'an extension listener of plugin evil threw': ({ clock, contribute, extensions }, fault) => {
    for (let at = 0; at < 500; at += 1) extensions(point).onChange(fault)
    clock.after(1, () => contribute(point(1))())
  },
}
const point = extensionPoint<number>('evil.point')

test.each(Object.entries(floods))(
  'of a flood, %s, each is counted, and a hundred a minute are logged',
  async (text, flood) => {
    let number = 0
    const fault = () => fail(new Error(`number ${number++}`))
    await using booted = await testRuntime({
      plugins: [plugin('evil', (context) => ({ start: () => void flood(context, fault) }))],
    })
    await booted.clock.advance(1)
    const logged = booted.lines.filter(({ message }) => message.startsWith(text)).length
    expect([booted.runtime.status().plugins[0]!.errors, logged]).toEqual([1_000, 100])
    const last = 'further faults of plugin evil are counted, not logged, for a minute'
    expect(booted.lines.map(({ message }) => message)).toContain(last)
  },
)

test('undos that throw are logged a hundred times', async () => {
  const start = ({ defer }: Context) => {
    for (let at = 0; at < 1_000; at += 1) defer(() => fail(new Error('no')))
  }
  const booted = await testRuntime({ plugins: [plugin('evil', (context) => ({ start: () => start(context) }))] })
  await booted.stop()
  expect(booted.lines.filter(({ message }) => message === 'undo of plugin evil threw')).toHaveLength(100)
})

describe('a definition with', () => {
  test.each<[string, object, string]>([
    ['a deadline that is not a number', { deadlines: { start: Number.NaN } }, 'deadlines.start must be a number of'],
    ['a misspelt deadline', { deadlines: { strat: 5 } }, 'deadlines.strat is unknown: did you mean "start"?'],
    ['presets for no environment', { presets: { prod: {} } }, 'presets.prod is unknown: the keys are development, '],
    ...['provides', 'needs', 'wants', 'implies', 'presets', 'deadlines'].map((field): [string, object, string] => [
      `a list as ${field}`,
      { [field]: [{ kind: 'service' }] },
      `${field} must be an object, got a list`,
    ]),
    ['a misspelt field', { deadline: { start: 5 } }, '"deadline" is unknown: did you mean "deadlines"?'],
    ['a need that was not imported', { needs: { db: undefined } }, 'needs.db must be a service token, got undefined'],
    ['an implied plugin without options', { implies: { metrics: null } }, 'implies.metrics must be an object'],
    ['conflicts that throw', { conflicts: () => fail(Object.create(null)) }, 'its configuration cannot be checked'],
    ['a schema that rejects', { config: { safeParseAsync: async () => fail(new Error('late')) } }, 'late'],
    ['a schema that answers nothing', { config: { safeParseAsync: () => ({}) } }, 'safeParseAsync gave a'],
    ['conflicts that are no list', { conflicts: () => 5 }, 'its configuration cannot be checked'],
  ])('%s is refused, by the name of the plugin', async (_, more, what) => {
    await expect(testRuntime({ plugins: [plugin('evil', () => ({}), more)] })).rejects.toThrow(what)
    await expect(testRuntime({ plugins: [plugin('evil', () => ({}), more)] })).rejects.toThrow('plugin evil')
  })

  const asked = ['unconfigured', 'conflicts', 'offers', 'listens']
  test.each(asked)('%s that throws or returns anything is refused by both names, or means nothing', async (name) => {
    for (const value of Object.values(hostileValues))
      for (const ask of [value, () => fail(value()), () => [value()], () => ({ 'health.check': value() })]) {
        // Its conflicts ask for the names that every plugin offers.
        const curious = plugin('curious', () => ({}), {
          conflicts: (_: unknown, { offered }: ConfigContext) => offered('health.check').names.flatMap(() => []),
        })
        const booting = testRuntime({ plugins: [curious, plugin('evil', () => ({}), { [name]: ask })] })
        const refused = await booting.then(
          async ({ stop }) => void (await stop()),
          ({ problems }: ConfigError) => problems.map(({ message }) => message),
        )
        if (refused !== undefined)
          expect(refused).toEqual([
            expect.stringContaining(`plugin evil: its configuration cannot be checked: ${name}: `),
          ])
      }
  })

  test('a field that cannot be read is refused, by the name of the plugin', async () => {
    const evil = plugin('evil', () => ({}))
    Object.defineProperty(evil, 'deadlines', { get: () => fail(Object.create(null)) })
    await expect(testRuntime({ plugins: [evil] })).rejects.toThrow('plugin evil: its definition cannot be read')
  })
})

test.each(['after', 'every'] as const)(
  'a call of clock.%s that fails after the end of its plugin, and of the services that the call needs, is no fault',
  async (kind) => {
    for (const rejects of [true, false]) {
      const gone = Promise.withResolvers<void>()
      const evil = plugin('evil', ({ clock }) => ({
        start: () => void clock[kind](1, async () => gone.promise),
      }))
      const booted = await testRuntime({ plugins: [evil] })
      await booted.clock.advance(1)
      if (rejects) await booted.stop()
      gone.reject(new Error('the store is not open'))
      await booted.clock.advance(0)
      const logged = booted.lines.map(({ message }) => message)
      expect(logged.includes('a timer of plugin evil threw')).toBe(!rejects)
      if (!rejects) await booted.stop()
    }
  },
)
