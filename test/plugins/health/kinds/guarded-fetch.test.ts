import { afterAll, expect, test } from 'bun:test'
import selfsigned from 'selfsigned'
import { guardedFetch } from '../../../../plugins/health/kinds/guarded-fetch.ts'

const seen: { path: string; method: string; token: string | null }[] = []
const serve = () =>
  Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      seen.push({ path: pathname, method: request.method, token: request.headers.get('x-token') })
      const status = Number(searchParams.get('status') ?? 302)
      const location = pathname === '/loop' ? '/loop' : searchParams.get('to')
      return location === null ? new Response('here') : new Response(null, { status, headers: { location } })
    },
  })
const [one, other] = [serve(), serve()]
afterAll(() => Promise.all([one.stop(true), other.stop(true)]))

const at = (path: string) => `http://127.0.0.1:${one.port}${path}`
const to = (target: string, status = 302) => at(`/?status=${status}&to=${encodeURIComponent(target)}`)
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: Error) => error.message,
  )
const get = { method: 'GET', headers: { 'x-token': 't' } }

test.each([
  'http://169.254.169.254/latest/meta-data/',
  'http://[fe80::1]/',
  'http://0xa9fea9fe/',
  'http://metadata.google.internal/',
])('a redirect to %s is not followed', async (target) => {
  const resolve = async () => ['203.0.113.1']
  expect(await messageOf(guardedFetch(to(target), get, true, resolve))).toContain('link-local or a metadata service')
})

test('a name that leads there is not asked, at first or by a redirect', async () => {
  const resolve = async () => ['192.0.2.1', '169.254.169.254']
  expect(await messageOf(guardedFetch('http://innocent.example/', get, true, resolve))).toContain(
    'innocent.example leads to 169.254.169.254',
  )
  expect(await messageOf(guardedFetch(to('http://innocent.example/'), get, true, resolve))).toContain('leads to')
})

test('other redirects are followed within bounds, and take no headers to another origin', async () => {
  seen.length = 0
  expect(await (await guardedFetch(to('/end'), get, true)).text()).toBe('here')
  expect(await (await guardedFetch(to(`http://127.0.0.1:${other.port}/far`), get, true)).text()).toBe('here')
  expect(seen.map(({ path, token }) => [path, token])).toEqual([
    ['/', 't'],
    ['/end', 't'],
    ['/', 't'],
    ['/far', null],
  ])
  expect(await messageOf(guardedFetch(at('/loop'), get, true))).toBe('more than 5 redirects')
  expect(await messageOf(guardedFetch(to('file:///etc/passwd'), get, true))).toBe('a redirect leads to file:')
})

test('a redirect is an answer where none is followed, and POST becomes GET as browsers have it', async () => {
  expect((await guardedFetch(to('/end'), get, false)).status).toBe(302)
  seen.length = 0
  await guardedFetch(to('/end', 302), { ...get, method: 'POST' }, true)
  await guardedFetch(to('/end', 307), { ...get, method: 'POST' }, true)
  expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'POST'])
})

test('the address that was looked at is the one that is asked, by the name of the url', async () => {
  const hosts: (string | null)[] = []
  await using target = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      hosts.push(request.headers.get('host'))
      return new Response('pinned')
    },
  })
  let looks = 0
  const resolve = async () => [looks++ === 0 ? '127.0.0.1' : '169.254.169.254']
  // No resolver knows the name: a fetch that looked again would fail.
  const name = `rebinding.invalid:${target.port}`
  expect(await (await guardedFetch(`http://${name}/`, get, true, resolve)).text()).toBe('pinned')
  expect([hosts, looks]).toEqual([[name], 1])
  expect(await messageOf(guardedFetch(`http://${name}/`, get, true, resolve))).toContain('leads to 169.254.169.254')
})

test('over TLS that is not verified the address is kept as well, and the server is told the name', async () => {
  const { cert, private: key } = await selfsigned.generate([{ name: 'commonName', value: 'rebinding.invalid' }])
  await using target = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { cert, key },
    fetch: (request) => new Response(request.headers.get('host')),
  })
  const url = `https://rebinding.invalid:${target.port}/`
  const resolve = async () => ['127.0.0.1']
  const open = await guardedFetch(url, { ...get, tls: { rejectUnauthorized: false } }, true, resolve)
  expect(await open.text()).toBe(`rebinding.invalid:${target.port}`)
})

test('an address that takes no connection is passed over for the next one', async () => {
  const target = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('next') })
  const url = `http://rebinding.invalid:${target.port}/`
  expect(await (await guardedFetch(url, get, true, async () => ['127.0.0.2', '::1', '127.0.0.1'])).text()).toBe('next')
  await target.stop(true)
  expect(await messageOf(guardedFetch(url, get, true, async () => ['127.0.0.2', '127.0.0.1']))).not.toBe('ok')
})
