import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { Hono } from 'hono'
import type { RequestHooks, RequestScope } from '../../../core/contract/request-hooks.ts'
import { createRequestPath } from '../../../core/requests/request-path.ts'
import { currentRequest } from '../../../core/requests/request-scope.ts'
import { longestWaitMs } from '../../../core/requests/traffic.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { observedPath, owned } from '../http/support.ts'

const get = (url: string, init?: RequestInit) => new Request(`http://localhost${url}`, init)

test('without hooks requests are only counted', async () => {
  const { path } = observedPath()
  path.setHooks([])
  const app = new Hono().get('/', async (c) => c.text(String(path.active())))
  const fetch = path.wrapHono(app)
  expect(await (await fetch(get('/'))).text()).toBe('1')
  expect(path.active()).toBe(0)
})

test('observers get the duration and the end, and the request at once where they want it', async () => {
  const clock = testClock()
  const calls: unknown[][] = []
  const timed = createRequestPath({ log: { error() {}, warn() {} } as never, clock })
  timed.setHooks([
    owned({
      observe: (...args) => void calls.push(['later', ...args]),
      observeRequest: (...args) => void calls.push(['at once', ...args]),
    }),
  ])
  const app = new Hono().get('/', async (c) => {
    await clock.advance(5)
    return c.text('x')
  })
  const request = get('/')
  await timed.wrapHono(app)(request)
  const ended = clock.monotonic()
  const atOnce = ['at once', timed.table.routes[0], 200, 5, ended, request]
  expect(calls).toEqual([atOnce])
  await clock.advance(longestWaitMs)
  expect(calls).toEqual([atOnce, ['later', timed.table.routes[0], 200, 5, ended]])
  expect([timed.active(), clock.pending]).toEqual([0, 0])
})

test('the very answer of the application is handed on, be it a response or a promise', () => {
  const { path } = observedPath()
  const response = new Response('x')
  const promise = Promise.resolve(response)
  const answers: Record<string, Response | Promise<Response>> = { '/now': response, '/soon': promise }
  const fetch = path.wrapFetch(
    (request: Request) => answers[new URL(request.url).pathname]!,
    () => '/x',
  )
  expect(fetch(get('/now'))).toBe(response)
  expect(fetch(get('/soon'))).toBe(promise)
})

test('a plain fetch handler is wrapped with routes given by a function', async () => {
  const { path, taken, lines } = observedPath({ maxRoutes: 2 })
  const fetch = path.wrapFetch(
    (request: Request) => new Response('x', { status: request.url.endsWith('/gone') ? 404 : 200 }),
    (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/throws') throw new Error('no route')
      return pathname === '/none' ? undefined : pathname
    },
  )
  for (const url of ['/a', '/gone', '/third', '/third', '/none', '/throws']) await fetch(get(url))
  expect(taken()).toEqual([
    'GET /a 200',
    'GET /gone 404',
    'GET __overflow__ 200',
    'GET __overflow__ 200',
    'GET __unmatched 200',
    'GET __unmatched 200',
  ])
  expect(lines).toHaveLength(1)
})

test("Elysia's fetch is wrapped, with its answers", async () => {
  const { path, taken } = observedPath()
  const app = new Elysia().get('/users/:id', ({ params }) => params.id)
  const fetch = path.wrapFetch(app.fetch, (request) => (request.url.includes('/users/') ? '/users/:id' : undefined))
  expect(await (await fetch(get('/users/7'))).text()).toBe('7')
  await fetch(get('/nowhere'))
  expect(taken()).toEqual(['GET /users/:id 200', 'GET __unmatched 404'])
})

test('a scope has id, trace and route, and is made only if some hook wants it', async () => {
  const scopes: RequestScope[] = []
  const { path, taken, hooks } = observedPath()
  const app = new Hono().get('/users/:id', (c) => c.text(scopes.at(-1)?.route?.pattern ?? 'unscoped'))
  const fetch = path.wrapHono(app)
  expect(await (await fetch(get('/users/1'))).text()).toBe('unscoped')
  path.setHooks([owned(hooks), owned({ onRequest: (scope) => void scopes.push(scope) as undefined })])
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const response = await fetch(get('/users/1', { headers: { 'x-request-id': 'abc', traceparent } }))
  expect(await response.text()).toBe('/users/:id')
  expect(scopes).toMatchObject([
    { id: 'abc', traceId: '0af7651916cd43dd8448eb211c80319c', route: { pattern: '/users/:id' } },
  ])
  expect(taken()).toEqual(['GET /users/:id 200', 'GET /users/:id 200'])
  expect(path.active()).toBe(0)
})

test('the scopes of requests within requests keep their own routes', async () => {
  const { path, hooks } = observedPath()
  const routes: unknown[] = []
  const app = new Hono()
  app.get('/leaf', (c) => c.text('leaf'))
  app.get('/now', (c) => {
    fetch(get('/leaf'))
    return c.text('now')
  })
  app.get('/soon', async (c) => {
    await Promise.resolve()
    await fetch(get('/now'))
    return c.text('soon')
  })
  const fetch = path.wrapHono(app)
  path.setHooks([owned({ ...hooks, onResponse: ({ route }) => void routes.push(route?.pattern) })])
  await fetch(get('/soon'))
  expect(routes).toEqual(['/leaf', '/now', '/soon'])
})

test('onRequest may answer in place of the application, and the route is still known', async () => {
  const { path, taken, hooks } = observedPath()
  const app = new Hono().get('/users/:id', (c) => c.text('in'))
  const fetch = path.wrapHono(app)
  const responses: number[] = []
  path.setHooks([
    owned(hooks),
    owned({
      onRequest: () => new Response('busy', { status: 503 }),
      onResponse: (_, response) => void responses.push(response?.status ?? 0),
    }),
  ])
  expect((await fetch(get('/users/1'))).status).toBe(503)
  expect((await fetch(get('/users/1', { method: 'HEAD' }))).status).toBe(503)
  expect(taken()).toEqual(['GET /users/:id 503', 'HEAD /users/:id 503'])
  expect(responses).toEqual([503, 503])
  expect(path.active()).toBe(0)
})

test('onError sees what reaches the onError of a Hono application, and what is thrown past it, once', async () => {
  const { path, hooks, taken } = observedPath()
  const app = new Hono()
  app.onError((error, c) => c.text(error.message, 500))
  app.use('/used/*', async (_, next) => next())
  app.get('/now', () => {
    throw new Error('now')
  })
  app.get('/soon', async () => {
    throw new Error('soon')
  })
  app.get('/used/x', async () => {
    throw new Error('used')
  })
  app.get('/past', () => {
    throw 'past'
  })
  const fetch = path.wrapHono(app)
  await fetch(get('/now'))
  const errors: unknown[] = []
  const ends: unknown[] = []
  path.setHooks([
    owned(hooks),
    owned({
      onError: (scope, error) => void errors.push([scope.route?.pattern, String(error)]),
      onResponse: (scope, response) => void ends.push([scope.route?.pattern, response?.status]),
    }),
  ])
  for (const url of ['/now', '/soon', '/used/x']) expect((await fetch(get(url))).status).toBe(500)
  expect(() => fetch(get('/past'))).toThrow('past')
  expect(errors).toEqual([
    ['/now', 'Error: now'],
    ['/soon', 'Error: soon'],
    ['/used/x', 'Error: used'],
    ['/past', 'past'],
  ])
  expect(ends).toEqual([
    ['/now', 500],
    ['/soon', 500],
    ['/used/x', 500],
    ['/past', undefined],
  ])
  expect(taken()).toHaveLength(5)
  expect(path.active()).toBe(0)
})

test.each(['text', undefined, null])(
  'onError of the hooks at the beginning sees %p, also after a reload',
  async (thrown) => {
    const { path, hooks } = observedPath()
    const errors: unknown[] = []
    const gate = Promise.withResolvers<never>()
    const fetch = path.wrapFetch(
      (_request: Request) => gate.promise,
      () => '/slow',
    )
    path.setHooks([owned(hooks), owned({ onError: (_, error) => void errors.push(error) })])
    const answer = Promise.resolve(fetch(get('/slow'))).catch((error: unknown) => error)
    path.setHooks([owned(hooks)])
    gate.reject(thrown)
    expect(await answer).toBe(thrown)
    expect(errors).toEqual([thrown])
  },
)

test('an error that a Hono application handles reaches the onError of the hooks at the beginning', async () => {
  const { path, hooks } = observedPath()
  const errors: unknown[] = []
  const gate = Promise.withResolvers<never>()
  const fetch = path.wrapHono(new Hono().get('/slow', () => gate.promise).onError((_, c) => c.text('handled', 500)))
  path.setHooks([owned(hooks), owned({ onError: (_, error) => void errors.push(String(error)) })])
  const answer = fetch(get('/slow'))
  path.setHooks([owned(hooks)])
  gate.reject(new Error('late'))
  expect((await answer).status).toBe(500)
  expect(errors).toEqual(['Error: late'])
})

test('with context: true the running code finds its request, also after awaits; outside there is none', async () => {
  const { path, hooks } = observedPath()
  const app = new Hono().get('/:id', async (c) => {
    await Promise.resolve()
    return c.text(`${currentRequest()?.id} ${currentRequest()?.route?.pattern}`)
  })
  const fetch = path.wrapHono(app)
  expect(await (await fetch(get('/1'))).text()).toBe('undefined undefined')
  path.setHooks([owned({ ...hooks, context: true })])
  const texts = ['a', 'b'].map(async (id) => (await fetch(get('/1', { headers: { 'x-request-id': id } }))).text())
  expect(await Promise.all(texts)).toEqual(['a /:id', 'b /:id'])
  expect(currentRequest()).toBeUndefined()
})

test.each(['wrapHono', 'wrapFetch', 'middleware'])(
  'with context: true each hook of a request finds it: %s',
  async (way) => {
    const { path, hooks } = observedPath()
    const found: unknown[] = []
    const find = (name: string) => () => void found.push([name, currentRequest()?.id])
    const scoped: RequestHooks = {
      context: true,
      onRequest: find('onRequest') as () => undefined,
      onResponse: find('onResponse'),
      onError: find('onError'),
    }
    path.setHooks([owned(hooks), owned(scoped)])
    const app = new Hono()
    if (way === 'middleware') app.use(path.middleware())
    app.get('/good', (c) => c.text('good'))
    app.get('/late', async () => {
      await Promise.resolve()
      throw 'past'
    })
    const plain = path.wrapFetch(
      async (request: Request) => app.fetch(request),
      () => '/',
    )
    const fetch = way === 'wrapHono' ? path.wrapHono(app) : way === 'wrapFetch' ? plain : app.fetch
    const send = async (url: string) => fetch(get(url, { headers: { 'x-request-id': url.slice(1) } }))
    await send('/good')
    await send('/late').catch(() => {})
    expect(found).toEqual([
      ['onRequest', 'good'],
      ['onResponse', 'good'],
      ['onRequest', 'late'],
      ['onError', 'late'],
      ['onResponse', 'late'],
    ])
    expect(currentRequest()).toBeUndefined()
  },
)

test('the middleware has scopes, answers and errors, too', async () => {
  const { path, hooks, taken } = observedPath()
  const notes: string[] = []
  let shed = false
  const scoped: RequestHooks = {
    context: true,
    onRequest: () => (shed ? new Response('busy', { status: 503 }) : undefined),
    onResponse: (scope, response) => void notes.push(`${scope.route?.pattern} ${response?.status}`),
    onError: (_, error) => void notes.push(String(error)),
  }
  path.setHooks([owned(hooks), owned(scoped)])
  const app = new Hono()
  app.use(path.middleware())
  app.onError((_, c) => c.text('handled', 500))
  app.get('/id', (c) => c.text(currentRequest()?.id ?? 'none'))
  app.get('/broken', () => {
    throw new Error('broken')
  })
  app.get('/past', () => {
    throw 'past'
  })
  expect(await (await app.request('/id', { headers: { 'x-request-id': 'abc' } })).text()).toBe('abc')
  await app.request('/broken')
  await Promise.resolve(app.request('/past')).catch(() => {})
  shed = true
  expect((await app.request('/id')).status).toBe(503)
  expect(taken()).toEqual(['GET /id 200', 'GET /broken 500', 'GET /past 500', 'GET /id 503'])
  expect(notes).toEqual(['/id 200', 'Error: broken', '/broken 500', 'past', '/past undefined', '/id 503'])
  expect(path.active()).toBe(0)
})

test('over a socket: bodies stream, clients go away, WebSockets upgrade, and nothing stays in flight', async () => {
  const { path, taken } = observedPath()
  const app = new Hono<{ Bindings: Bun.Server<undefined> }>()
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  app.get('/stream', () => {
    const body = new ReadableStream({
      async start(controller) {
        for (const part of ['a', 'b', 'c']) {
          controller.enqueue(part)
          await Promise.resolve()
        }
        controller.close()
      },
    })
    return new Response(body)
  })
  app.post('/echo', async (c) => c.text(await c.req.text()))
  app.get('/slow', async (c) => {
    entered.resolve()
    await release.promise
    return c.text('late')
  })
  const inner = path.wrapHono(app)
  const sockets = path.wrapFetch(
    (request: Request, server: Bun.Server<undefined>) =>
      server.upgrade(request) ? undefined : new Response('no', { status: 426 }),
    () => '/ws',
  )
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, self): Response | undefined | Promise<Response | undefined> =>
      request.url.endsWith('/ws') ? sockets(request, self) : inner(request, self),
    websocket: { message: (socket, text) => void socket.send(text) },
  })
  const base = `http://127.0.0.1:${server.port}`
  try {
    expect(await (await fetch(`${base}/stream`)).text()).toBe('abc')
    expect(await (await fetch(`${base}/echo`, { method: 'POST', body: 'x'.repeat(100_000) })).text()).toHaveLength(
      100_000,
    )
    const abort = new AbortController()
    const aborted = fetch(`${base}/slow`, { signal: abort.signal }).catch((error: Error) => error.name)
    await entered.promise
    expect(path.active()).toBe(1)
    abort.abort()
    expect(await aborted).toBe('AbortError')
    release.resolve()
    const socket = new WebSocket(`${base.replace('http', 'ws')}/ws`)
    const echoed = new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(data)
    })
    await new Promise((resolve) => {
      socket.onopen = resolve
    })
    socket.send('hi')
    expect(await echoed).toBe('hi')
    socket.close()
    expect(taken()).toEqual(['GET /stream 200', 'POST /echo 200', 'GET /slow 200', 'GET /ws 101'])
    expect(path.active()).toBe(0)
  } finally {
    await server.stop(true)
  }
})
