/** A hook that answers every request, such as a login, takes no route of Arkwatch away: probes, metrics, admin API. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Hono } from 'hono'
import type { ConfigError } from '../../core/config/errors.ts'
import { type AnyPlugin, type Catalog, systemClock, z } from '../../core/plugin.ts'
import { answersOf } from '../../core/requests/routes/plugin-routes.ts'
import { wrapApplication } from '../../core/requests/wrap-application.ts'
import { catalog } from '../../plugins/catalog.ts'
import { type TestRuntime, testRuntime } from '../../testing/test-runtime.ts'
import { adminKey } from '../plugins/admin/support.ts'
import { plugin } from '../support/hostile.ts'

const seen: string[] = []
const answering = (name: string) =>
  plugin(name, () => ({
    hooks: {
      onRequest({ request }: { request: Request }) {
        seen.push(name)
        return request.headers.has('let-pass') ? undefined : new Response('log in', { status: 418 })
      },
    },
    routes: new Hono().get(`/of-${name}`, (c) => c.text('foreign')).use('*', (_, next) => next()),
  }))

/** Every path that a plugin of the catalog answers on the public listener, by its own declaration. */
const own: string[] = []
const declared: string[] = []
const served: string[] = []
const watched: Record<string, Catalog[string]> = {}
for (const [name, load] of Object.entries(catalog)) {
  const definition = (await load()).default as AnyPlugin
  const parsed = definition.config.safeParse({})
  const routes = parsed.success ? (definition.offers?.(parsed.data).routes ?? []) : []
  declared.push(...routes)
  const setup: AnyPlugin['setup'] = (context) => {
    const parts = definition.setup(context)
    served.push(
      ...answersOf(parts.routes ?? new Hono()).map(({ method, path }) => `${method} ${path}`.replace('ALL ', '')),
    )
    return parts
  }
  watched[name] = async () => ({ default: { ...definition, setup } })
  own.push(...routes.map((route) => route.replace('GET ', '').replace(/\*|:name/, 'plugins')))
}
const exposed = [...new Set(own.map((path) => path.split('/')[1]!)), 'of-login']

let booted: TestRuntime<typeof systemClock>
type Send = (request: Request) => unknown
const kinds: [string, string, () => Send][] = [
  ['a listener of Arkwatch', '', () => (request) => booted.runtime.fetch(request)],
  ['a Hono application', '/_ops', () => wrapped(new Hono().all('/page', (c) => c.text('page')))],
  ['a function', '/_ops', () => wrapped(() => new Response('page'))],
]
const wrapped = (app: Parameters<typeof wrapApplication>[1]) =>
  wrapApplication(booted.runtime.requestPath, app, { expose: exposed }, booted.runtime.answer) as Send

beforeAll(async () => {
  booted = await testRuntime({
    catalog: watched,
    clock: systemClock,
    plugins: [answering('login'), answering('other')],
    config: {
      server: { port: 0 },
      plugins: { metrics: {}, health: {}, store: {}, audit: {}, admin: { apiKey: adminKey } },
    },
  })
})
afterAll(() => booted.stop())

describe.each(kinds)('behind %s', (_, at, make) => {
  const status = async (path: string, init?: RequestInit) =>
    ((await make()(new Request(`http://localhost${path}`, init))) as Response).status

  test('no route of Arkwatch is answered by a hook, and every hook sees the request', async () => {
    expect(own.length).toBeGreaterThan(6)
    for (const path of own)
      for (const method of ['GET', 'HEAD']) {
        seen.length = 0
        const given = await status(at + path, { method })
        expect([path, method, given, seen]).toEqual([path, method, expect.any(Number), ['login', 'other']])
        expect([path, given]).not.toEqual([path, 418])
        expect([path, given]).toEqual([path, await status(at + path, { method, headers: { 'let-pass': 'yes' } })])
      }
    expect([await status(`${at}/livez`), await status(`${at}/metrics`)]).toEqual([200, 200])
  })

  test('a hook answers everything else: the application, routes of other plugins, and what looks like a route', async () => {
    const paths = ['/page', `${at}/of-login`, '/nothing', `${at}/livezz`, `${at}/livez/`, '/x/livez', `${at}//livez`]
    for (const path of [...paths, ...(at === '' ? [] : own)]) expect([path, await status(path)]).toEqual([path, 418])
    expect(await status(`${at}/livez`, { method: 'PURGE' })).toBe(418)
  })
})

test('a route of the application with the path of an exposed one stays behind the hook', async () => {
  const app = new Hono().get('/_ops/:name', (c) => c.text('of the application'))
  const send = booted.runtime.requestPath.wrapHono(app)
  expect((await send(new Request('http://localhost/_ops/livez'))).status).toBe(418)
})

test('the plugins of Arkwatch declare the routes that they serve, no more and no less', () => {
  expect(served.toSorted()).toEqual(declared.toSorted())
})

describe('a path that a plugin from elsewhere declares', () => {
  const web = (paths: readonly string[]) => ({
    ...plugin('web', () => ({
      routes: paths.reduce((app, path) => app.get(path, (c) => c.text('web')), new Hono()),
    })),
    config: z.strictObject({ path: z.string().optional() }),
    offers: () => ({ routes: paths }),
  })
  const started = async (paths: readonly string[], plugins: Record<string, unknown>) => {
    try {
      const { runtime, stop } = await testRuntime({
        plugins: [web(paths)],
        config: { server: { port: 0 }, plugins: { health: {}, ...plugins } },
      })
      const { state } = runtime.status().plugins.find(({ name }) => name === 'web')!
      await stop()
      return state
    } catch (error) {
      return (error as ConfigError).formatProblems()
    }
  }
  const both = (ours: string, other: string, theirs = ours) =>
    `two plugins answer one path: web answers ${ours}, ${other} answers ${theirs}`

  test.each<[string[], Record<string, unknown>, string]>([
    [['/*'], { metrics: {} }, 'ok'],
    [['*'], { metrics: {} }, 'ok'],
    [['/mine'], { metrics: {} }, 'ok'],
    [['/metrics'], {}, 'ok'],
    [['/metrics'], { metrics: { listen: { port: 0 } } }, 'ok'],
    [['/metrics'], { metrics: {} }, `${both('/metrics', 'metrics')} (/plugins/web)`],
    [['/metrics'], { metrics: {}, web: { path: '/metrics' } }, `${both('/metrics', 'metrics')} (/plugins/web/path)`],
    [['/stats'], { metrics: { path: '/stats' } }, `${both('/stats', 'metrics')} (/plugins/metrics/path)`],
    [['/:any'], { metrics: {} }, `${both('/:any', 'health', '/livez')} (/plugins/web)`],
    [['/livez'], {}, `${both('/livez', 'health')} (/plugins/web)`],
    [['/livez/x/y'], {}, 'ok'],
    [['/admin/x'], { store: {}, audit: {}, admin: {} }, `${both('/admin/x', 'admin', '/admin/*')} (/plugins/web)`],
  ])('%p with %p', async (paths, plugins, expected) => {
    expect(await started(paths, plugins)).toStartWith(expected)
  })
})
