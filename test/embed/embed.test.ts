import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { Hono } from 'hono'
import { Hono as OldestHono } from 'hono-oldest'
import { definePlugin } from '../../core/contract/definition.ts'
import { type RequestHooks, z } from '../../core/plugin.ts'
import { type AnyPlugin, type Arkwatch, arkwatch, currentRequest, problemResponse, requestIdOf } from '../../index.ts'
import { Metrics } from '../../plugins/metrics/api.ts'
import { Store } from '../../plugins/store/api.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

async function embed(
  plugins: Record<string, unknown> = { metrics: {}, health: {} },
  extra: readonly AnyPlugin[] = [],
): Promise<Arkwatch> {
  const data = mkdtempSync(join(tmpdir(), 'arkwatch-embed-'))
  undo.push(() => rmSync(data, { recursive: true, force: true }))
  const logging = { console: { enabled: false } }
  const ops = await arkwatch({ config: { data, plugins: { logging, ...plugins } }, plugins: extra, env: {} })
  undo.push(() => ops.stop())
  return ops
}

const plugin = (hooks: RequestHooks) =>
  definePlugin({
    api: 1,
    name: 'probe',
    version: '1.0.0',
    summary: 'Hooks into requests.',
    config: z.strictObject({}),
    setup: () => ({ hooks }),
  })

const get = (url: string) => new Request(`http://localhost${url}`)
const countOf = (text: string, route: string, status = 200) =>
  new RegExp(
    `http_server_request_duration_seconds_count\\{http_request_method="GET",http_route="${route.replace('*', '\\*')}",http_response_status_code="${status}"\\} (\\d+)`,
  ).exec(text)?.[1]

const honoApp = (Kind: typeof Hono) => {
  const app = new Kind()
  app.get('/users/:id', (c) => c.text(c.req.param('id')))
  return app
}

for (const [version, Kind] of [
  ['newest', Hono],
  ['oldest', OldestHono as unknown as typeof Hono],
] as const) {
  describe(`the ${version} Hono`, () => {
    test('is measured by its templates, and shows what it exposes', async () => {
      const ops = await embed()
      const app = honoApp(Kind)
      const fetch = ops.wrap(app, { at: '/_ops', expose: ['livez', 'readyz'] })
      app.get('/late/:x', (c) => c.text('late'))
      for (const url of ['/users/1', '/users/2', '/late/1', '/nowhere', '/_ops/livez', '/_ops/metrics'])
        await fetch(get(url))
      expect((await fetch(get('/_ops/readyz'))).status).toBe(200)
      const text = await ops.service(Metrics).expose()
      expect(countOf(text, '/users/:id')).toBe('2')
      expect(countOf(text, '/late/:x')).toBe('1')
      expect(countOf(text, '__unmatched', 404)).toBe('2')
      expect(countOf(text, '/_ops/livez')).toBe('1')
      expect(countOf(text, '/livez')).toBeUndefined()
      expect(text).toMatch(/^http_server_active_requests 0$/m)
    })

    test('is measured by the middleware', async () => {
      const ops = await embed()
      const app = new Kind()
      app.use(ops.middleware())
      app.get('/users/:id', (c) => c.text('x'))
      await app.request('/users/1')
      expect(countOf(await ops.service(Metrics).expose(), '/users/:id')).toBe('1')
    })
  })
}

test('a misspelt option is refused, and an error of the configuration sends nobody to a file', async () => {
  const misspelt = { confg: {} } as object
  await expect(arkwatch(misspelt)).rejects.toMatchObject({
    code: 'EMBED_OPTIONS_INVALID',
    message: 'invalid options: arkwatch() has no option "confg": did you mean "config"?',
  })
  const refused = await arkwatch({ config: { plugins: { nosuch: {} } }, env: {} }).catch((error) => error)
  expect(refused).toMatchObject({ code: 'CONFIG_INVALID', help: expect.not.stringContaining('arkwatch check') })
})

test('Elysia is measured by the function that gives its routes', async () => {
  const ops = await embed()
  const app = new Elysia().get('/users/:id', ({ params }) => params.id)
  const fetch = ops.wrap(app, {
    expose: ['livez'],
    routes: (request) => (new URL(request.url).pathname.startsWith('/users/') ? '/users/:id' : undefined),
  })
  expect(await (await fetch(get('/users/7'))).text()).toBe('7')
  expect((await fetch(get('/_ops/livez'))).status).toBe(200)
  const text = await ops.service(Metrics).expose()
  expect(countOf(text, '/users/:id')).toBe('1')
  expect(countOf(text, '/_ops/livez')).toBe('1')
})

test('no listener is opened unless the configuration has one, and its own routes answer all the same', async () => {
  const ops = await embed()
  expect(ops.status().listeners).toEqual([])
  expect((await ops.fetch(get('/livez'))).status).toBe(200)
})

test('a conflicting path is refused naming both, and requests go on after a reload and after stop', async () => {
  const ops = await embed()
  const app = honoApp(Hono)
  app.get('/_ops/livez', (c) => c.text('mine'))
  expect(() => ops.wrap(app, { expose: ['livez'] })).toThrow(/\/_ops\/livez.*GET \/_ops\/livez/)
  const fetch = ops.wrap(app)
  await fetch(get('/users/1'))
  await ops.reload()
  await fetch(get('/users/2'))
  expect(countOf(await ops.service(Metrics).expose(), '/users/:id')).toBe('2')
  await ops.stop()
  expect(await (await fetch(get('/users/3'))).text()).toBe('3')
})

test('a hook that throws turns its plugin degraded, is taken out after ten times, and no request notices', async () => {
  let calls = 0
  const bad = plugin({
    observe() {
      calls += 1
      throw new Error('bad hook')
    },
  })
  const ops = await embed({ metrics: {} }, [bad])
  const fetch = ops.wrap(honoApp(Hono))
  for (let at = 0; at < 20; at += 1) expect((await fetch(get('/users/1'))).status).toBe(200)
  expect(countOf(await ops.service(Metrics).expose(), '/users/:id')).toBe('20')
  expect(calls).toBe(10)
  const status = ops.status().plugins.find(({ name }) => name === 'probe')
  expect(status).toMatchObject({ state: 'degraded', errors: 10 })
})

test('hooks may answer, and see the responses', async () => {
  const seen: string[] = []
  const ops = await embed({}, [
    plugin({
      onRequest: ({ request }) => (request.url.endsWith('/shed') ? new Response('busy', { status: 503 }) : undefined),
      onResponse: ({ route }, response) => void seen.push(`${route?.pattern} ${response?.status}`),
    }),
  ])
  const fetch = ops.wrap(honoApp(Hono))
  expect((await fetch(get('/users/1'))).status).toBe(200)
  expect((await fetch(get('/users/shed'))).status).toBe(503)
  expect(seen).toEqual(['/users/:id 200', '/users/:id 503'])
})

test('a plugin with context: true gives the application its current request, which its own problems may name', async () => {
  const ops = await embed({}, [plugin({ context: true })])
  const app = new Hono().get('/', (c) => {
    const code = `${currentRequest()?.id} ${requestIdOf(c.req.raw)}`
    return problemResponse({ status: 409, title: 'Conflict', code })
  })
  const response = await ops.wrap(app)(new Request('http://localhost/', { headers: { 'x-request-id': 'abc' } }))
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toMatchObject({ status: 409, code: 'abc abc' })
  expect(currentRequest()).toBeUndefined()
})

test('find gives a service or undefined, and await using stops the runtime', async () => {
  const data = mkdtempSync(join(tmpdir(), 'arkwatch-embed-'))
  undo.push(() => rmSync(data, { recursive: true, force: true }))
  const start = () => arkwatch({ config: { data, plugins: { store: {} } }, env: {} })
  {
    await using ops = await start()
    expect(ops.find(Metrics)).toBeUndefined()
    expect(ops.find(Store)).toBe(ops.service(Store))
  }
  await using next = await start()
  expect(next.status().ready).toBe(true)
})

test('a folder with data of its own belongs to one runtime, one without is shared', async () => {
  const data = join(mkdtempSync(join(tmpdir(), 'arkwatch-embed-')), 'data')
  const start = (plugins: object) => arkwatch({ config: { data, plugins }, env: {} })
  const first = await start({ store: {} })
  await expect(start({ store: {} })).rejects.toMatchObject({ code: 'DATA_IN_USE', details: { pid: process.pid } })
  await (await start({ metrics: {} })).stop()
  await first.stop()
  const next = await start({ store: {} })
  await next.stop()
})

test('a reload that brings a plugin with data takes the folder, or is refused', async () => {
  const data = join(mkdtempSync(join(tmpdir(), 'arkwatch-embed-')), 'data')
  const [config, other] = [0, 1].map(() => ({ data, plugins: { metrics: {} } as Record<string, object> }))
  await using first = await arkwatch({ config: config!, env: {} })
  await using second = await arkwatch({ config: other!, env: {} })
  for (const each of [config!, other!]) each.plugins.store = {}
  await first.reload()
  expect(first.status().plugins.map(({ name, state }) => [name, state])).toContainEqual(['store', 'ok'])
  await expect(second.reload()).rejects.toMatchObject({ code: 'DATA_IN_USE' })
  expect(second.find(Store)).toBeUndefined()
  await first.stop()
  await second.reload()
  expect(second.find(Store)).toBeDefined()
})

test('a boot that fails gives the folder back', async () => {
  const data = join(mkdtempSync(join(tmpdir(), 'arkwatch-embed-')), 'data')
  const taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const config = { data, server: { port: taken.port }, plugins: { store: {} } }
  await expect(arkwatch({ config, env: {} })).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
  await taken.stop(true)
  const next = await arkwatch({ config, env: {} })
  await next.stop()
})
