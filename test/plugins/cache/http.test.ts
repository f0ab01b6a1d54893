import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import { allowedMs, type HttpCacheOptions } from '../../../plugins/cache/client/http-cache.ts'
import { httpCache } from '../../../plugins/cache/public.ts'
import { memoryCache } from './support.ts'

function served(
  options: Partial<HttpCacheOptions> = {},
  answer: (call: number) => Response | Promise<Response> = (call) => new Response(`${call}`),
) {
  const { cache, clock } = memoryCache()
  let calls = 0
  const app = new Hono().all(
    '*',
    httpCache(() => cache, { ttlMs: 10_000, ...options }),
    () => {
      calls += 1
      return answer(calls)
    },
  )
  const ask = async (headers: Record<string, string> = {}, path = '/', method = 'GET') => {
    const response = await app.request(path, { headers, method })
    return { status: response.status, body: await response.text(), headers: response.headers }
  }
  const bodies = async (...asked: (Record<string, string> | undefined)[]) => {
    const all = []
    for (const headers of asked) all.push((await ask(headers)).body)
    return all
  }
  return { ask, bodies, cache, clock, calls: () => calls }
}

test('answers from the cache, with its age, until the time is over', async () => {
  const { ask, clock, calls } = served()
  const first = await ask()
  expect([first.body, first.headers.get('x-cache'), first.headers.get('age')]).toEqual(['1', 'MISS', null])
  await clock.advance(3_500)
  const second = await ask()
  expect([second.body, second.headers.get('x-cache'), second.headers.get('age')]).toEqual(['1', 'HIT', '3'])
  await clock.advance(7_000)
  expect((await ask()).body).toBe('2')
  expect((await ask({}, '/?other')).body).toBe('3')
  expect(calls()).toBe(3)
})

test('answers 304 where the tag of what is known matches, weak or in a list, on the first answer too', async () => {
  const { ask } = served()
  const etag = (await ask()).headers.get('etag')!
  for (const asked of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const { status, body, headers } = await ask({ 'if-none-match': asked })
    expect([asked, status, body, headers.get('etag')]).toEqual([asked, 304, '', etag])
  }
  expect((await ask({ 'if-none-match': '"other"' })).status).toBe(200)
  expect((await ask({ 'if-none-match': '*' }, '/new')).status).toBe(304)
  const own = served({}, () => new Response('x', { headers: { etag: 'W/"v1"' } }))
  expect((await own.ask({ 'if-none-match': '"v1"' })).status).toBe(304)
})

test('runs the handler once for 1,000 who ask at one time', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { ask, calls } = served({}, async () => promise.then(() => new Response('one')))
  const asked = Array.from({ length: 1_000 }, () => ask())
  resolve()
  expect(new Set((await Promise.all(asked)).map(({ body }) => body))).toEqual(new Set(['one']))
  expect(calls()).toBe(1)
})

test('Cache-Control of the answer sets the time, or forbids keeping it', async () => {
  expect(
    ['max-age=5', 's-maxage=7, max-age=5', 'no-store', 'private, max-age=9', 'no-cache', 'public', 'max-age=0', ''].map(
      allowedMs,
    ),
  ).toEqual([5_000, 7_000, 0, 0, 0, undefined, 0, undefined])
  const short = served({}, (call) => new Response(`${call}`, { headers: { 'cache-control': 'max-age=1' } }))
  expect(await short.bodies({}, {})).toEqual(['1', '1'])
  await short.clock.advance(1_000)
  expect(await short.bodies({})).toEqual(['2'])
  const never = served({}, (call) => new Response(`${call}`, { headers: { 'cache-control': 'no-store' } }))
  expect(await never.bodies({}, {})).toEqual(['1', '2'])
})

test('Cache-Control of the request passes by, or renews what is kept', async () => {
  const { bodies } = served()
  expect(await bodies({}, { 'cache-control': 'no-store' }, {}, { 'cache-control': 'no-cache' }, {})).toEqual([
    '1',
    '2',
    '1',
    '3',
    '3',
  ])
})

test('keeps one answer for each value of the headers it varies by, and says so', async () => {
  const { ask, bodies } = served({ vary: ['Accept-Language'] })
  expect(await bodies({ 'accept-language': 'de' }, { 'accept-language': 'en' }, { 'accept-language': 'de' })).toEqual([
    '1',
    '2',
    '1',
  ])
  expect((await ask()).headers.get('vary')).toBe('accept-language')
  const unknown = served({}, (call) => new Response(`${call}`, { headers: { vary: 'Accept' } }))
  expect(await unknown.bodies({}, {})).toEqual(['1', '2'])
  const star = served({}, (call) => new Response(`${call}`, { headers: { vary: '*' } }))
  expect(await star.bodies({}, {})).toEqual(['1', '2'])
})

test('keeps nothing personal, partial, failed, streamed or too large', async () => {
  const { bodies, ask } = served()
  expect(await bodies({ cookie: 'a=1' }, { authorization: 'b' }, { range: 'bytes=0-1' })).toEqual(['1', '2', '3'])
  expect((await ask({}, '/', 'POST')).body).toBe('4')
  expect((await served({ vary: ['cookie'] }).bodies({ cookie: 'a=1' }, { cookie: 'a=1' })).at(-1)).toBe('1')
  const answers: Record<string, ResponseInit> = {
    cookie: { headers: { 'set-cookie': 'a=1' } },
    failed: { status: 500 },
    streamed: { headers: { 'content-type': 'text/event-stream' } },
    large: { headers: { 'content-length': '2000' } },
  }
  for (const [name, init] of Object.entries(answers)) {
    const { bodies: asked } = served({ maxBytes: 1_000 }, (call) => new Response(`${call}`, init))
    expect([name, ...(await asked({}, {}))]).toEqual([name, '1', '2'])
  }
  const { bodies: asked } = served({ maxBytes: 10 }, (call) => new Response(`${call}`.padEnd(20)))
  expect(await asked({}, {})).toEqual(['1'.padEnd(20), '2'.padEnd(20)])
})

test('what belongs to one answer only is not given to others', async () => {
  const headers = { 'x-request-id': 'r1', connection: 'close', 'x-own': 'kept' }
  const { ask } = served({}, () => new Response('x', { headers }))
  await ask()
  const { headers: second } = await ask()
  expect(['x-request-id', 'connection', 'x-own'].map((name) => second.get(name))).toEqual([null, null, 'kept'])
})

test('answers are gone by tag, and a cache that is too busy lets requests pass', async () => {
  const { bodies, cache } = served({ tags: ['pages'] })
  expect(await bodies({}, {})).toEqual(['1', '1'])
  await cache.invalidateTag('pages')
  expect(await bodies({})).toEqual(['2'])
  const busy = memoryCache({ maxLoads: 1 })
  void busy.cache.getOrSet('slow', () => new Promise(() => {}))
  const app = new Hono().get(
    '/',
    httpCache(() => busy.cache, { ttlMs: 1_000 }),
    (context) => context.text('served'),
  )
  expect(await (await app.request('/')).text()).toBe('served')
})
