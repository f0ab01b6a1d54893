/** A hook that answers every request, such as a login, takes no route of Arkwatch away: probes, metrics, admin API. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Hono } from 'hono'
import { type AnyPlugin, systemClock } from '../../core/plugin.ts'
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
const own = ['/metrics']
for (const load of Object.values(catalog)) {
  const definition = (await load()).default as AnyPlugin
  const parsed = definition.config.safeParse({})
  const offered = parsed.success ? (definition.offers?.(parsed.data).routes ?? []) : []
  own.push(...offered.map((path) => path.replace('*', 'plugins')))
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
    catalog,
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
