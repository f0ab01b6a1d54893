import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import { composeApp } from '../../../core/http/public-app.ts'
import { observedPath } from './support.ts'

test('HEAD has the headers of GET, the length too, cancels a stream, and is observed as HEAD', async () => {
  const cancelled = Promise.withResolvers<void>()
  const peers: (string | undefined)[] = []
  const routes = new Hono<{ Bindings: Bun.Server<undefined> }>()
    .get('/text', (c) => c.text('twelve bytes'))
    .get('/later', async (c) => {
      await Bun.sleep(0)
      return c.json({ at: c.req.path })
    })
    .get('/stream', (c) => c.body(new ReadableStream({ cancel: () => cancelled.resolve() })))
    .get('/peer', (c) => {
      peers.push(c.env.requestIP(c.req.raw)?.address)
      return c.body(null)
    })
  const { path, taken } = observedPath()
  const app = composeApp([{ plugin: 'p', routes: routes as never, failed: () => {} }])
  await using server = Bun.serve({ port: 0, fetch: path.wrapHono(app) as never })
  const send = (at: string, method: string) => fetch(`${server.url}${at}`, { method })
  expect((await send('text', 'GET')).headers.get('content-length')).toBe('12')
  for (const at of ['text', 'later', 'none']) {
    const [get, head] = [await send(at, 'GET'), await send(at, 'HEAD')]
    expect([await head.text(), head.status]).toEqual(['', get.status])
    expect([at, head.headers.get('content-length')]).toEqual([at, get.headers.get('content-length')])
  }
  expect((await send('stream', 'HEAD')).headers.get('transfer-encoding')).toBe('chunked')
  await cancelled.promise
  await send('peer', 'HEAD')
  expect(peers).toEqual([expect.any(String)])
  expect(taken().filter((each) => each.startsWith('HEAD'))).toEqual([
    'HEAD /text 200',
    'HEAD /later 200',
    'HEAD __unmatched 404',
    'HEAD /stream 200',
    'HEAD /peer 200',
  ])
})
