/**
 * Every border between a plugin and the rest, with every hostile value: the application answers, the probes answer, the
 * plugin at fault is charged and no other, and the runtime stops.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { Hono } from 'hono'
import { disown } from '../../core/contract/foreign/calls.ts'
import { controlCommand, errorOf, type extensionPoint, perHolder, service, systemClock, z } from '../../core/plugin.ts'
import { catalog } from '../../plugins/catalog.ts'
import health from '../../plugins/health/index.ts'
import { collector } from '../../plugins/metrics/api.ts'
import metrics from '../../plugins/metrics/index.ts'
import { testRuntime } from '../../testing/test-runtime.ts'
import { adminKey } from '../plugins/admin/support.ts'
import { type Context, endlessValues, fail, hostileValues, plugin } from '../support/hostile.ts'

// Values that never settle are given up after some seconds.
setDefaultTimeout(30_000)

const root = join(import.meta.dir, '../..')
type Make = () => unknown
type Border = (make: Make, context: Context) => unknown

const names = Object.keys(hostileValues)
const hookKinds = ['observe', 'observeRequest', 'onRequest', 'onResponse', 'onError'] as const
const partNames = [
  ...['services', 'contributes', 'routes', 'hooks', 'start', 'ready', 'reconfigure', 'settled', 'handover', 'stop'],
] as const

/** The value, where a rejection is no concern of the border. */
const quiet = (make: Make) => {
  const value = make()
  disown(value)
  return value
}

const throwing = Object.fromEntries<Border>([
  ['setup', (make) => fail(make())],
  ['start', (make) => ({ start: () => fail(make()) })],
  ['start, later', (make) => ({ start: async () => fail(make()) })],
  ['ready', (make) => ({ ready: () => fail(make()) })],
  ['stop', (make) => ({ stop: () => fail(make()) })],
  ['an undo', (make, { defer }) => ({ start: () => defer(() => fail(make())) })],
  ['a timer', (make, { clock }) => ({ start: () => void clock.after(1, () => fail(make())) })],
  ['a period', (make, { clock }) => ({ start: () => void clock.every(1_000, async () => fail(make())) })],
  [
    'the onError of a period',
    (make, { clock }) => ({
      start: () => void clock.every(1_000, () => fail(new Error('tick')), { onError: () => fail(make()) }),
    }),
  ],
  ...partNames.map((name): [string, Border] => [
    `the getter of the part ${name}`,
    (make) => Object.defineProperty({}, name, { enumerable: true, get: () => fail(make()) }),
  ]),
  ...hookKinds.flatMap((kind): [string, Border][] => [
    [`the hook ${kind}`, (make) => ({ hooks: { [kind]: () => fail(make()) } })],
    [`the hook ${kind}, later`, (make) => ({ hooks: { [kind]: async () => fail(make()) } })],
    [
      `the getter of the hook ${kind}`,
      (make) => ({ hooks: Object.defineProperty({}, kind, { enumerable: true, get: () => fail(make()) }) }),
    ],
  ]),
  ['a route', (make, { name }) => ({ routes: new Hono().get(`/${name}`, () => fail(make())) })],
  ['a middleware of a route', (make, { name }) => ({ routes: new Hono().use(`/${name}`, () => fail(make())) })],
])

const giving = Object.fromEntries<Border>([
  ['setup', (make) => make()],
  ...partNames.map((name): [string, Border] => [`the part ${name}`, (make) => ({ [name]: make() })]),
  ...hookKinds.flatMap((kind): [string, Border][] => [
    [`the hook ${kind}`, (make) => ({ hooks: { [kind]: make() } })],
    [`the answer of ${kind}`, (make) => ({ hooks: { [kind]: make } })],
  ]),
  ['a contribution', (make) => ({ contributes: [make()] })],
  [
    'the arguments of a control command',
    (make, { name }) => ({ contributes: [controlCommand({ name, args: make() as never, run() {} })] }),
  ],
  [
    'a contribution at run time',
    (make, { contribute, clock }) => ({
      start: () => void clock.after(1, () => void contribute(make() as never)),
    }),
  ],
  [
    'the state that is reported',
    (make, { report, clock }) => ({
      start: () => void clock.after(1, () => report(quiet(make) as never)),
    }),
  ],
  ['the delay of a timer', (make, { clock }) => ({ start: () => void clock.every(quiet(make) as never, () => {}) })],
  ['the call of a timer', (make, { clock }) => ({ start: () => void clock.after(1, make() as never) })],
  ['the call of a period', (make, { clock }) => ({ start: () => void clock.every(1_000, make() as never) })],
  [
    'the onError of a period',
    (make, { clock }) => ({ start: () => void clock.every(1_000, () => {}, { onError: make() as never }) }),
  ],
  ['an undo', (make, { defer }) => ({ start: () => defer(make() as never) })],
  [
    'a listener of an extension point',
    (make, { extensions }) => ({ start: () => void extensions(collector).onChange(make() as never) }),
  ],
  ['the answer of a route', (make, { name }) => ({ routes: new Hono().get(`/${name}`, make as never) })],
])

const empty = ['an object without a prototype', 'an error whose message throws']
/** What a plugin may give without a fault, by border. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  'the delay of a timer': ['a number'],
  setup: empty,
  ...Object.fromEntries(partNames.map((name) => [`the part ${name}`, ['null']])),
  'the part services': ['null', ...empty],
  'the part hooks': ['null', ...empty],
  ...Object.fromEntries(hookKinds.map((kind) => [`the hook ${kind}`, ['null']])),
  ...Object.fromEntries(
    ['observe', 'observeRequest', 'onResponse', 'onError'].map((kind) => [
      `the answer of ${kind}`,
      ['null', 'a number', 'a text', 'a symbol', ...empty],
    ]),
  ),
}

const isUp = ({ state }: { state: string }) => state === 'ok' || state === 'degraded'

/** Boots one hostile plugin for each value, and uses everything. @returns the plugins that were not charged, and those that were wrongly */
async function uncharged(make: Border, values: readonly string[], allowed: readonly string[] = []): Promise<string[]> {
  const evils = values.map((name, at) => plugin(`evil${at}`, (context) => make(hostileValues[name]!, context)))
  const booted = await testRuntime({ plugins: [metrics, health, ...evils, plugin('calm', () => ({}))] })
  const app = new Hono().get('/', (c) => c.text('fine')).get('/fault', () => fail(new Error('of the application')))
  app.onError((_, c) => c.text('handled', 500))
  const wrapped = booted.runtime.requestPath.wrapHono(app)
  const send = async (path: string) => (await wrapped(new Request(`http://localhost${path}`))).text()
  for (let at = 0; at < 12; at += 1) {
    expect(await send('/')).toBe('fine')
    expect(await send('/fault')).toBe('handled')
  }
  await booted.clock.advance(2_000)
  for (const { name } of evils) expect((await booted.fetch(`/${name}`)).status).toBeGreaterThanOrEqual(404)
  const probe = await booted.fetch('/readyz')
  expect([probe.status, await probe.text()]).toEqual([200, 'ok'])
  const scrape = await booted.fetch('/metrics')
  expect([scrape.status, (await scrape.text()).includes('http_route="/"')]).toEqual([200, true])
  const { plugins } = booted.runtime.status()
  expect(() => JSON.stringify(plugins)).not.toThrow()
  expect(await booted.stop()).toEqual({ hung: [] })
  const logged = booted.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  const charged = ({ name, errors }: (typeof plugins)[number]) =>
    errors > 0 || logged.some((message) => message.includes(`plugin ${name} `))
  return plugins.flatMap((each) => {
    const at = /^evil(\d+)$/.exec(each.name)?.[1]
    if (at === undefined) return each.state === 'ok' && each.errors === 0 ? [] : [`${each.name} was charged`]
    const value = values[Number(at)]!
    if (allowed.includes(value)) return isUp(each) && each.errors === 0 ? [] : [`${value}: ${each.reason}`]
    return charged(each) ? [] : [`${value} was not charged: ${each.state}`]
  })
}

const thrown = names.filter((name) => !name.endsWith('rejects'))

describe('a plugin is charged with what it throws in', () => {
  test.each(Object.entries(throwing))('%s', async (_, make) => {
    expect(await uncharged(make, thrown)).toEqual([])
  })
})

describe('a plugin is charged with what it gives as', () => {
  test.each(Object.entries(giving))('%s', async (border, make) => {
    expect(await uncharged(make, names, harmless[border])).toEqual([])
  })
})

describe('a service for each holder is charged to its provider, not given to those that want it, and named to those that need it', () => {
  const given = Object.fromEntries(
    Object.entries({ ...hostileValues, ...endlessValues, nothing: () => undefined }).filter(
      ([name]) => !['a number', 'a text', 'a symbol', ...empty].includes(name),
    ),
  )
  const makers: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
    throws: Object.fromEntries(thrown.map((name) => [name, () => fail(hostileValues[name]!())])),
    gives: given,
  }
  test.each(Object.entries(makers))('where its make %s something', async (_, makes) => {
    const evils = Object.values(makes).map((make, at) => ({ make, at, token: service<unknown>(`evil${at}.object`) }))
    const tokens = Object.fromEntries(evils.map(({ at, token }) => [`evil${at}`, token]))
    const wanted: unknown[] = []
    const plugins = [
      ...evils.map(({ make, at, token: object }) =>
        plugin(`evil${at}`, () => ({ services: { object: perHolder(make) } }), { provides: { object } }),
      ),
      ...evils.map(({ at, token: object }) => plugin(`needing${at}`, () => ({}), { needs: { object } })),
      plugin('wanting', ({ wants }) => ({ start: () => void wanted.push(...Object.values(wants)) }), { wants: tokens }),
    ]
    await using booted = await testRuntime({ plugins })
    expect(wanted).toEqual(evils.map(() => undefined))
    const status = () => Object.fromEntries(booted.runtime.status().plugins.map((each) => [each.name, each]))
    expect(status().wanting).toMatchObject({ state: 'ok', errors: 0 })
    for (const { at, token } of evils) {
      const { state, errors, reason } = status()[`evil${at}`]!
      expect([state, errors]).toEqual(['degraded', 2])
      expect(reason).toMatch(new RegExp(`^the service ${token.id} for plugin \\w+ threw: `))
      expect(status()[`needing${at}`]).toMatchObject({ state: 'failed', errors: 1 })
      const why = `plugin needing${at} failed in setup: service ${token.id} is not available: plugin evil${at} `
      expect(status()[`needing${at}`]!.reason).toStartWith(why)
      expect(booted.runtime.find(token)).toBeUndefined()
      // Without `toThrow`, which reports a rejection before anything can take it.
      const asked = await (async () => booted.runtime.service(token))().catch(errorOf)
      expect(asked).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
      expect(status()[`evil${at}`]!.reason).toContain(`the service ${token.id} for the application`)
    }
    expect(await booted.stop()).toEqual({ hung: [] })
  })

  test.each(Object.entries(given))('and a service that is %s fails its provider in start', async (_, make) => {
    const object = service<unknown>('evil.object')
    await using booted = await testRuntime({
      plugins: [
        plugin('evil', () => ({ services: { object: make() } }), { provides: { object } }),
        plugin('needing', () => ({}), { needs: { object } }),
      ],
    })
    const [evil, needing] = booted.runtime.status().plugins
    expect(evil).toMatchObject({ state: 'failed', errors: 1, reason: expect.stringContaining('plugin evil') })
    expect(needing!.state).toBe('blocked')
  })
})

type Point = ReturnType<typeof extensionPoint<unknown>>

/** Every extension point that the sources declare. */
const points: Point[] = []
for (const file of ['core/plugin.ts', ...new Bun.Glob('plugins/*/api.ts').scanSync(root)])
  for (const each of Object.values<Partial<Point>>(await import(join(root, file))))
    if (each?.kind === 'extensionPoint' && !points.includes(each as Point)) points.push(each as Point)

const sections = {
  metrics: {},
  health: {},
  store: {},
  audit: {},
  admin: { apiKey: adminKey },
}
const bootAll = (setup: (context: Context) => unknown) =>
  testRuntime({
    catalog,
    clock: systemClock,
    plugins: [plugin('evil', setup)],
    config: { server: { port: 0 }, plugins: { ...sections, evil: {} } },
  })

/** Uses every extension point through its owner. */
async function useAll({ runtime, fetch }: Awaited<ReturnType<typeof bootAll>>, isEndless = false) {
  expect([(await fetch('/metrics')).status, (await fetch('/readyz')).status]).toEqual([200, 200])
  await fetch('/metrics', { headers: { accept: 'application/json' } })
  const headers = { authorization: `Bearer ${adminKey}` }
  const api = async (path: string) => (await fetch(path, { headers })).status
  expect([await api('/admin/plugins'), await api('/admin/openapi.json')]).toEqual([200, 200])
  for (const path of ['/admin/evil-0', '/admin/evil-0/', '/admin/evil-0/a']) await api(path)
  const stream = await fetch('/admin/stream?topics=evil-0', { headers })
  await stream.body?.cancel()
  for (const [name, command] of runtime.commands())
    if (/^(status|health|evil.*)$/.test(name)) {
      const done = (async () => command.run({}))().catch(() => {})
      // One that never settles is waited for in the test of the control commands.
      await (isEndless ? Promise.race([done, systemClock.sleep(0)]) : done)
    }
  await runtime.changes.plan({})
  await runtime.changes.apply({}, { by: 'test', confirmWithinMs: 60_000 })
  expect(await runtime.reload()).toBeArray()
  const others = runtime.status().plugins.filter(({ name, state }) => name !== 'evil' && state !== 'disabled')
  return others
    .filter(({ state, errors }) => state !== 'ok' || errors > 0)
    .map(({ name, reason }) => `${name}: ${reason}`)
}

describe('the extension point', () => {
  test('of each name is walked here', () => {
    expect(points.length).toBeGreaterThanOrEqual(10)
    expect(points.filter(({ rules }) => rules === undefined)).toEqual([])
  })

  test.each(points.map((point) => [point.id, point] as const))(
    '%s leaves out every hostile value, and its owner and the other contributions work',
    async (_, point) => {
      const made = [...Object.values(hostileValues), () => ({}), () => []]
      await using booted = await bootAll(() => ({ contributes: made.map((make) => point(make())) }))
      expect(await useAll(booted)).toEqual([])
      const { state, errors, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'evil')!
      expect([state, errors]).toEqual(['degraded', made.length])
      expect(booted.lines.map(({ fields }) => errorOf(fields?.error).code)).toContain('CONTRIBUTION_REFUSED')
      expect(reason).toContain(`plugin evil: its contribution to ${point.id} is left out: `)
      expect(await booted.stop()).toEqual({ hung: [] })
    },
  )

  /** A value that keeps the rules, whose functions are all `call`. */
  const fitting = ({ rules }: Point, call: () => unknown, name: string): unknown => {
    if (typeof rules!.shape === 'string') return call
    const texts: Record<string, unknown> = {
      access: 'viewer',
      path: `/admin/${name}`,
      name,
      kind: 'custom',
      index: 'a',
      groups: ['a'],
      args: z.strictObject({}),
    }
    const ofKind: Record<string, unknown> = {
      function: call,
      object: { a: call },
      period: 1_000,
      number: 1,
      texts: [],
    }
    return Object.fromEntries(
      Object.entries<string>(rules!.shape as never).map(([field, kind]) => [
        field,
        texts[field] ?? ofKind[kind.replace('?', '')],
      ]),
    )
  }

  test.each(points.map((point) => [point.id, point] as const))(
    '%s survives values that fit, and throw or return anything when they are used',
    async (_, point) => {
      for (const how of ['throws', 'rejects', 'returns', 'never settles'] as const) {
        const values = { throws: thrown, rejects: thrown, returns: names, 'never settles': Object.keys(endlessValues) }[
          how
        ]
        await using booted = await bootAll(() => ({
          contributes: values.map((name, at) => {
            const make = { ...hostileValues, ...endlessValues }[name]!
            const gives = { returns: make, 'never settles': make }
            const call = { throws: () => fail(make()), rejects: async () => fail(make()), ...gives }[how]
            return point(fitting(point, call, `evil-${at}`))
          }),
        }))
        expect(await useAll(booted, how === 'never settles')).toEqual([])
        expect(await booted.stop()).toEqual({ hung: [] })
      }
    },
  )

  test.each(points.filter(({ rules }) => typeof rules!.shape === 'object').map((point) => [point.id, point] as const))(
    '%s reads each field of a value once, so that a getter cannot throw where the value is used',
    async (_, point) => {
      const reads = new Map<string, number>()
      const watched = (value: unknown, path: string): unknown => {
        // A schema is read each time that it parses.
        if (typeof value !== 'object' || value === null || value instanceof z.ZodType) return value
        return new Proxy(value, {
          get(target, name) {
            const at = `${path}.${String(name)}`
            if (!Object.hasOwn(target, name) || name === 'length') return Reflect.get(target, name)
            reads.set(at, (reads.get(at) ?? 0) + 1)
            if (reads.get(at)! > 1) fail(new Error(`${at} is read again`))
            return watched(Reflect.get(target, name), at)
          },
        })
      }
      const value = watched(
        fitting(point, () => undefined, 'evil-0'),
        'value',
      )
      await using booted = await bootAll(() => ({ contributes: [point(value)] }))
      expect(await useAll(booted)).toEqual([])
      expect(booted.lines.filter(({ message }) => message.includes('is read again'))).toEqual([])
      expect([...reads].filter(([, count]) => count > 1)).toEqual([])
    },
  )
})
