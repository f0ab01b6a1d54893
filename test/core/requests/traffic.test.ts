/** What is counted of each request, and when observers are notified. */
import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import type { RequestHooks } from '../../../core/contract/request-hooks.ts'
import { createRequestPath } from '../../../core/requests/request-path.ts'
import { longestWaitMs, mostWaiting } from '../../../core/requests/traffic.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { observedPath, owned } from '../http/support.ts'

const get = (url: string, init?: RequestInit) => new Request(`http://localhost${url}`, init)

test('observers are notified of requests in order: when the batch is full, after its time, on flush, and before hooks change', async () => {
  const clock = testClock()
  const statuses: number[] = []
  const timed = createRequestPath({ log: { error() {}, warn() {} } as never, clock })
  const hooks = owned({ observe: (_route, status) => void statuses.push(status) })
  timed.setHooks([hooks])
  let status = 200
  const fetch = timed.wrapFetch(
    (_request: Request) => new Response(null, { status: 200 + (status++ % 300) }),
    () => '/',
  )
  const request = get('/')
  const run = (requests: number) => {
    for (let at = 0; at < requests; at += 1) fetch(request)
  }
  run(mostWaiting - 1)
  expect(statuses).toHaveLength(0)
  run(1)
  expect(statuses).toHaveLength(mostWaiting)
  run(3)
  await clock.advance(longestWaitMs - 1)
  expect(statuses).toHaveLength(mostWaiting)
  await clock.advance(1)
  expect(statuses).toHaveLength(mostWaiting + 3)
  run(2)
  timed.flush()
  expect(statuses).toHaveLength(mostWaiting + 5)
  run(1)
  timed.setHooks([])
  expect(statuses).toEqual(Array.from({ length: mostWaiting + 6 }, (_, at) => 200 + ((200 + at) % 300)))
})

test('requests that an observer makes itself are neither lost nor endless', () => {
  const clock = testClock()
  const timed = createRequestPath({ log: { error() {}, warn() {} } as never, clock })
  const request = get('/')
  const fetch = timed.wrapFetch(
    (_request: Request) => new Response(),
    () => '/',
  )
  let notified = 0
  timed.setHooks([
    owned({
      observe: () => {
        notified += 1
        if (notified <= 2) for (let at = 0; at < mostWaiting + 5; at += 1) fetch(request)
      },
    }),
  ])
  fetch(request)
  timed.flush()
  timed.flush()
  timed.flush()
  expect(notified).toBe(1 + 2 * (mostWaiting + 5))
})

/** What hooks may want of a request besides its numbers. */
const wants: Record<string, RequestHooks> = {
  'the numbers': {},
  'the request': { observeRequest() {} },
  'a scope': { onResponse() {} },
  'a context': { context: true },
}

for (const [wanted, more] of Object.entries(wants)) {
  test(`odd answers of a handler are passed on and counted, where hooks want ${wanted}`, async () => {
    const { path, taken } = observedPath({ hooks: more })
    const later = (status: unknown) => Object.assign(Promise.resolve(new Response(null, { status: 204 })), { status })
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library
    const thenable = { then: (resolve: (value: Response) => void) => resolve(new Response(null, { status: 204 })) }
    // An upgrade is 101, what is no response 500.
    const answers: [unknown, number][] = [
      [undefined, 101],
      [Promise.resolve(undefined), 101],
      ...[null, 'text', {}, Promise.resolve(null)].map((answer): [unknown, number] => [answer, 500]),
      ...[0, 404, 1_023].map((status): [unknown, number] => [{ status }, status]),
      ...[1_024, -1, 200.5, Number.NaN, '200', true].map((status): [unknown, number] => [{ status }, 500]),
      [Promise.resolve({ status: 5_000 }), 500],
      [thenable, 204],
      [later(500), 204],
      [later('pending'), 204],
    ]
    for (const [answer, status] of answers) {
      const fetch = path.wrapFetch((() => answer) as never as (request: Request) => Response, () => '/')
      expect(fetch(get('/')) as unknown).toBe(answer)
      expect(path.active()).toBe(answer instanceof Promise ? 1 : 0)
      await Promise.resolve()
      await Promise.resolve()
      expect([answer, ...taken()]).toEqual([answer, `GET / ${status}`])
    }
    expect(path.active()).toBe(0)
  })

  test(`a request under way when hooks that want ${wanted} are replaced ends once`, async () => {
    const { path, taken, hooks } = observedPath()
    const before = [owned({ ...hooks, ...more })]
    for (const after of [...Object.values(wants).map((other) => [owned({ ...hooks, ...other })]), []]) {
      const app = new Hono()
      app.get('/now', (c) => {
        path.setHooks(after)
        return c.text('now')
      })
      app.get('/soon', async (c) => {
        await Promise.resolve()
        path.setHooks(after)
        return c.text('soon')
      })
      app.get('/past', () => {
        path.setHooks(after)
        throw 'past'
      })
      const fetch = path.wrapHono(app)
      for (const url of ['/now', '/soon', '/past']) {
        path.setHooks(before)
        await (async () => fetch(get(url)))().catch(() => {})
      }
      expect(taken()).toEqual(after.length > 0 ? ['GET /now 200', 'GET /soon 200', 'GET /past 500'] : [])
      expect(path.active()).toBe(0)
    }
  })
}

test('an observer that replaces the hooks is notified of the requests that had ended, and the next hooks of later requests', () => {
  const { path } = observedPath()
  const notified: string[] = []
  const fetch = path.wrapFetch(
    (request: Request) => new Response(null, { status: Number(request.headers.get('status')) }),
    () => '/',
  )
  const run = (status: number) => fetch(get('/', { headers: { status: `${status}` } }))
  const next = owned({ observe: (_, status) => void notified.push(`next ${status}`) })
  const first = (_: unknown, status: number) => {
    notified.push(`first ${status}`)
    if (status !== 200) return
    path.setHooks([next])
    run(202)
  }
  path.setHooks([owned({ observe: first })])
  run(200)
  run(201)
  path.flush()
  run(203)
  path.flush()
  expect(notified).toEqual(['first 200', 'first 201', 'next 202', 'next 203'])
})

test('observers get the very route and status of each of many routes, up to the limit', () => {
  const maxRoutes = 5_000
  const { path, taken } = observedPath({ maxRoutes })
  const fetch = path.wrapFetch(
    (request: Request) => new Response(null, { status: 200 + (request.url.length % 400) }),
    (request) => new URL(request.url).pathname,
  )
  const expected = Array.from({ length: maxRoutes + 2 }, (_, at) => {
    const request = get(`/${at}`)
    fetch(request)
    return `GET ${at < maxRoutes ? `/${at}` : '__overflow__'} ${200 + (request.url.length % 400)}`
  })
  expect(taken()).toEqual(expected)
})

test('an observeRequest hook is notified of the request whose handler added the hook', () => {
  const { path } = observedPath()
  const notified: string[] = []
  const wanting = owned({
    observeRequest: (_route, status, _ms, _at, { url }) => void notified.push(`${url} ${status}`),
  })
  path.setHooks([owned({ observe() {} })])
  const fetch = path.wrapFetch(
    (_request: Request) => {
      path.setHooks([wanting])
      return new Response()
    },
    () => '/',
  )
  fetch(get('/'))
  expect(notified).toEqual(['http://localhost/ 200'])
})
