import { describe, expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import { mostWaiting } from '../../../core/requests/traffic.ts'
import { type Application, type WrapOptions, wrapApplication } from '../../../core/requests/wrap-application.ts'
import { observedPath, owned } from '../http/support.ts'

/** Arkwatch's own routes, more of them than are exposed. */
const own = new Hono()
  .get('/livez', (c) => c.text(`live ${c.req.query('verbose') ?? ''}`))
  .get('/readyz/:name', (c) => c.text(`ready ${c.req.param('name')}`))
  .get('/readyz', (c) => c.text('ready', 503))
  .get('/metrics', (c) => c.text('secret'))
  .get('/admin', (c) => c.text('secret'))
const options: WrapOptions = { at: '/_ops', expose: ['livez', '/readyz'] }

function wrap(app: Application, given: WrapOptions = options) {
  const observed = observedPath()
  const fetch = wrapApplication(observed.path, app, given, (request) => own.fetch(request)) as (
    request: Request,
  ) => Response | Promise<Response>
  return {
    ...observed,
    ask: async (url: string, init?: RequestInit) => fetch(new Request(`http://localhost${url}`, init)),
  }
}

const honoApp = () => new Hono().get('/', (c) => c.text('app')).get('/users/:id', (c) => c.text('user'))

const kinds: Record<string, { app: () => Application; options: WrapOptions }> = {
  Hono: { app: honoApp, options },
  'Hono with a catch-all': { app: () => honoApp().all('*', (c) => c.text('404 from the application', 404)), options },
  'Hono with middleware': {
    app: () => {
      const app = new Hono()
      app.use('*', async (_, next) => next())
      return app.get('/', (c) => c.text('app'))
    },
    options,
  },
  'Hono with another router': {
    app: () => new Hono({ router: new TrieRouter() }).get('/', (c) => c.text('app')),
    options,
  },
  'Hono of an unknown make': {
    app: () => {
      const app = honoApp()
      Object.defineProperty(app, 'router', { value: undefined })
      Object.defineProperty(app, 'fetch', { value: honoApp().fetch })
      return app
    },
    options,
  },
  'a function': {
    app: () => (request: Request) =>
      new URL(request.url).pathname === '/' ? new Response('app') : new Response('no', { status: 404 }),
    options: { ...options, routes: (request) => (new URL(request.url).pathname === '/' ? '/' : undefined) },
  },
  Elysia: {
    app: () => new Elysia().get('/', () => 'app'),
    options: { ...options, routes: (request) => (new URL(request.url).pathname === '/' ? '/' : '*') },
  },
}

for (const [name, kind] of Object.entries(kinds)) {
  describe(name, () => {
    test('what is exposed is answered under the prefix, measured under its own pattern, once', async () => {
      const { ask, taken, path } = wrap(kind.app(), kind.options)
      expect(await (await ask('/_ops/livez?verbose=1')).text()).toBe('live 1')
      expect((await ask('/_ops/readyz')).status).toBe(503)
      expect(await (await ask('/_ops/readyz/db')).text()).toBe('ready db')
      expect((await ask('/_ops/livez', { method: 'HEAD' })).status).toBe(200)
      expect(taken()).toEqual([
        'GET /_ops/livez 200',
        'GET /_ops/readyz 503',
        'GET /_ops/readyz/* 200',
        'HEAD /_ops/livez 200',
      ])
      expect(path.active()).toBe(0)
    })

    test('everything else is the application’s', async () => {
      const { ask } = wrap(kind.app(), kind.options)
      expect(await (await ask('/')).text()).toBe('app')
      for (const url of [
        '/_ops',
        '/_ops/',
        '/_ops/metrics',
        '/_ops/admin',
        '/_ops/livezz',
        '/_opsx/livez',
        '/livez',
        '/x/_ops/livez',
        '/_ops/livez/../admin',
        '/_ops/livez/%2e%2e/admin',
        '/_ops/livez/..%2fadmin',
        '/_ops/livez/%2e%2e%2fadmin',
        '/_ops/livez//admin',
        '/_ops//livez',
        '/_ops/readyz/%00',
        '/_ops/livez\\..\\admin',
      ]) {
        const response = await ask(url)
        expect([url, response.status]).toEqual([url, 404])
        expect(await response.text()).not.toContain('secret')
      }
    })
  })
}

test('nothing is answered where nothing is exposed', async () => {
  const { ask } = wrap(honoApp(), {})
  expect((await ask('/_ops/livez')).status).toBe(404)
})

describe('a path that the application routes too', () => {
  const conflicting: [name: string, app: Hono, route: string][] = [
    ['the same path', new Hono().get('/_ops/livez', (c) => c.text('mine')), 'GET /_ops/livez'],
    ['a template', new Hono().get('/:page/:part', (c) => c.text('mine')), 'GET /:page/:part'],
    ['a mounted application', new Hono().mount('/_ops', () => new Response('mine')), 'ALL /_ops/*'],
    ['a path below', new Hono().get('/_ops/readyz/mine', (c) => c.text('mine')), 'GET /_ops/readyz/mine'],
  ]
  for (const [name, app, route] of conflicting) {
    test(`is an error that names both: ${name}`, () => {
      expect(() => wrap(app)).toThrow(
        expect.objectContaining({ code: 'EMBED_PATH_CONFLICT', message: expect.stringContaining(route) }),
      )
      expect(() => wrap(app)).toThrow('/_ops/')
    })
  }

  test('is an error for routes given by a function, too', () => {
    expect(() => wrap(() => new Response('x'), { ...options, routes: () => '/:a/:b' })).toThrow(
      expect.objectContaining({ code: 'EMBED_PATH_CONFLICT' }),
    )
  })

  test('is logged once where the route came after wrap, and the application wins', async () => {
    const app = honoApp()
    const { ask, lines } = wrap(app)
    app.get('/_ops/livez', (c) => c.text('mine'))
    for (let round = 0; round < 3; round += 1) expect(await (await ask('/_ops/livez')).text()).toBe('mine')
    expect((await ask('/_ops/readyz')).status).toBe(503)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'error' })
    expect(lines[0]?.message).toContain('GET /_ops/livez')
  })

  test('is the application’s also if only another method or a longer path is routed', async () => {
    const app = honoApp()
      .post('/_ops/livez', (c) => c.text('posted'))
      .get('/:a/:b/:c', (c) => c.text('mine'))
    const { ask, taken } = wrap(app)
    expect(await (await ask('/_ops/livez', { method: 'POST' })).text()).toBe('posted')
    expect(await (await ask('/_ops/readyz/db')).text()).toBe('mine')
    expect(await (await ask('/_ops/livez')).text()).toBe('live ')
    expect((await ask('/_ops/readyz')).status).toBe(503)
    expect(taken()).toEqual([
      'POST /_ops/livez 200',
      'GET /:a/:b/:c 200',
      'GET /_ops/livez 200',
      'GET /_ops/readyz 503',
    ])
  })
})

describe('options that make no sense are refused', () => {
  const bad: [WrapOptions, string][] = [
    [{ at: 'ops', expose: ['livez'] }, 'at must be'],
    [{ at: '/', expose: ['livez'] }, 'at must be'],
    [{ at: '/ops/', expose: ['livez'] }, 'at must be'],
    [{ at: '/a/../b', expose: ['livez'] }, 'at must be'],
    [{ expose: [''] }, 'expose must'],
    [{ expose: ['../admin'] }, 'expose must'],
    [{ expose: ['*'] }, 'expose must'],
  ]
  for (const [given, text] of bad) {
    test(JSON.stringify(given), () => {
      const attempt = () => wrap(honoApp(), given)
      expect(attempt).toThrow(expect.objectContaining({ code: 'EMBED_OPTIONS_INVALID' }))
      expect(attempt).toThrow(text)
    })
  }

  test('an application without fetch', () => {
    expect(() => wrap({} as Application)).toThrow(expect.objectContaining({ code: 'EMBED_OPTIONS_INVALID' }))
  })
})

for (const hook of ['observe', 'observeRequest'] as const) {
  test(`what an ${hook} hook asks of the application itself is the application's, also when a request had no path`, async () => {
    const getPath = (request: Request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/pathless') throw new Error('no path')
      return pathname
    }
    const app = new Hono({ getPath }).get('/', (c) => c.text('app'))
    const { path, ask } = wrap(app)
    expect((await ask('/_ops/livez')).status).toBe(200)
    const asked: (Response | Promise<Response>)[] = []
    path.setHooks([owned({ [hook]: () => void asked.push(app.request('/_ops/livez')) })])
    for (let at = 0; at < mostWaiting; at += 1) await ask('/pathless').catch(() => {})
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses).toHaveLength(mostWaiting)
    expect([...new Set(statuses)]).toEqual([404])
  })
}
