import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import { definePlugin } from '../../../../core/plugin.ts'
import { systemClock } from '../../../../core/process/clock.ts'
import { eventTopic } from '../../../../plugins/admin/api.ts'
import type { Document } from '../../../../plugins/admin/http/document.ts'
import { freePort } from '../../../support/services.ts'
import { hastyClock } from '../hasty-clock.ts'
import { type AdminRuntime, adminKey, bootAdmin } from '../support.ts'
import { tide } from './bare-stream.ts'

// A thread is started, and streams are watched.
setDefaultTimeout(60_000)

let at: AdminRuntime
afterEach(() => at?.stop())

async function follow(query: string) {
  const controller = new AbortController()
  const response = await at.send(`/admin/stream?${query}`, { signal: controller.signal })
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  return {
    get text() {
      return text
    },
    async until(pattern: RegExp) {
      while (!pattern.test(text)) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`the stream ended without ${pattern}: ${text.slice(-500)}`)
        text += decoder.decode(value)
      }
      return text
    },
    close: () => controller.abort(),
  }
}
const metric = async (name: string) => {
  const text = await (await at.send('/metrics', { key: null })).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}

test('follows metrics, plugin states, health changes and log lines, with a heartbeat between', async () => {
  const target = Bun.serve({ port: 0, fetch: () => new Response('ok') })
  at = await bootAdmin({
    clock: hastyClock,
    config: {
      plugins: { health: { checks: { web: { kind: 'tcp', host: '127.0.0.1', port: target.port, every: '1s' } } } },
    },
  })
  const all = await follow('topics=metrics,health,status,logs')
  await all.until(/^: heartbeat$/m)
  await all.until(/event: metrics\ndata: \{"timestamp":"[^"]+","cpu_percent":/)
  await all.until(/event: status\n/)
  await target.stop(true)
  await all.until(/event: health\ndata: \{"name":"web","before":"(up|unknown)","status":"down"/)
  at.runtime.logger('shop').warn('a line of the shop')
  await all.until(/event: log\nid: \d+\ndata: .*a line of the shop/)
  all.close()
})

test('ends when the runtime stops, and does not hold up the drain', async () => {
  at = await bootAdmin({ clock: systemClock, config: { server: { port: 0, drainTimeout: '10m' } } })
  const stream = await follow('topics=status')
  await stream.until(/event: hello/)
  expect(await at.stop()).toEqual({ hung: [] })
})

test('ends when its listener moves, and does not hold up the reload', async () => {
  const plugins = { logging: {}, health: {}, admin: { apiKey: adminKey, rateLimit: { requests: 1_000_000 } } }
  const config = (port: number) => ({ plugins, server: { port, drainTimeout: '10m' } })
  const ports = [freePort(), freePort()] as const
  at = await bootAdmin({ clock: hastyClock, config: config(ports[0]) })
  for (const [port, next] of [ports, ports.toReversed() as [number, number]]) {
    const headers = { 'x-admin-key': adminKey }
    const stream = await fetch(`http://127.0.0.1:${port}/admin/stream?topics=status`, { headers })
    const steps = await at.reload(config(next))
    expect(steps.find(({ plugin }) => plugin === 'admin')?.action).toBe('untouched')
    expect(await stream.text()).toContain('event: hello')
  }
})

test('of the log only what was asked for: by level and by logger', async () => {
  at = await bootAdmin()
  const [errors, shop] = [await follow('topics=logs&level=error'), await follow('topics=logs&logger=shop')]
  await Promise.all([errors.until(/hello/), shop.until(/hello/)])
  for (const name of ['shop', 'shop.cart', 'other']) {
    at.runtime.logger(name).info(`info of ${name}`)
    at.runtime.logger(name).error(`error of ${name}`)
  }
  at.runtime.logger('shop').error('the end')
  await Promise.all([errors.until(/the end/), shop.until(/the end/)])
  expect(errors.text).not.toContain('info of')
  expect(errors.text).toContain('error of other')
  expect(shop.text).toContain('info of shop.cart')
  expect(shop.text).not.toContain('of other')
  for (const each of [errors, shop]) each.close()
})

test('a reader that keeps up receives every line of a burst', async () => {
  at = await bootAdmin()
  const logs = await follow('topics=logs&logger=burst')
  await logs.until(/hello/)
  for (let line = 0; line < 900; line += 1) at.runtime.logger('burst').info('x'.repeat(4_000), { at: line })
  await logs.until(/"at":899\b/)
  expect([...logs.text.matchAll(/"at":(\d+)/g)].map(([, line]) => Number(line))).toEqual([...Array(900).keys()])
  expect(await metric('arkwatch_admin_streams_dropped_total')).toBe(0)
  logs.close()
})

test('a client that does not read is cut off and counted, holds no more than its buffer, and slows nobody down', async () => {
  at = await bootAdmin({ admin: { maxStreams: 3 } })
  const { hostname, port } = new URL(at.url)
  const deaf = await new Promise<Socket>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET /admin/stream?topics=logs HTTP/1.1\r\nHost: localhost\r\nX-Admin-Key: ${adminKey}\r\n\r\n`)
    })
    socket.once('data', () => {
      socket.pause()
      resolve(socket)
    })
    socket.on('error', () => {})
  })
  const other = await follow('topics=logs&logger=other')
  await other.until(/hello/)
  expect(await metric('arkwatch_admin_streams')).toBe(2)
  expect(await metric('arkwatch_admin_streams_dropped_total')).toBe(0)
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  let peak = before
  const line = 'x'.repeat(4_000)
  for (let round = 0; round < 400; round += 1) {
    for (let index = 0; index < 50; index += 1) at.runtime.logger('flood').info(line)
    await Bun.sleep(1) // A socket drains in real time.
    peak = Math.max(peak, process.memoryUsage.rss())
    if (round % 20 === 0 && (await metric('arkwatch_admin_streams_dropped_total')) > 0) break
  }
  expect(await metric('arkwatch_admin_streams_dropped_total')).toBe(1)
  expect(await metric('arkwatch_admin_streams')).toBe(1)
  // 80 MB were said to it.
  expect(peak - before).toBeLessThan(60 * 1024 * 1024)
  at.runtime.logger('other').info('still here')
  await other.until(/still here/)
  expect((await at.send('/admin/status')).status).toBe(200)
  other.close()
  deaf.destroy()
})

test('one key opens at most half of the streams, over every route of streams; the refusal says which limit it is', async () => {
  const sea = definePlugin({
    api: 1,
    name: 'sea',
    version: '1.0.0',
    summary: 'Contributes a topic.',
    config: z.strictObject({}),
    setup: () => ({ contributes: [eventTopic(tide('tides').topic)] }),
  })
  at = await bootAdmin({ admin: { maxStreams: 4 }, plugins: [sea], config: { plugins: { sea: {} } } })
  const { paths } = (await at.get('/admin/openapi.json')) as unknown as Document
  const streams = Object.keys(paths).filter((path) => JSON.stringify(paths[path]).includes('text/event-stream'))
  expect(streams).toContain('/admin/audit/stream')
  const queries = ['', '?topics=logs', '?topics=tides']
  const routes = streams.flatMap((path) => (path === '/admin/stream' ? queries.map((query) => path + query) : [path]))
  for (const route of routes) {
    const [flooder, other] = await Promise.all([0, 1].map(() => at.keyOf('auditor')))
    const open = (key: string | undefined, method = 'GET') => at.send(route, { key: key!, method })
    const opened = [await open(flooder), await open(flooder)]
    const refused = await open(flooder)
    expect([route, refused.status, await refused.json()]).toMatchObject([
      route,
      503,
      { code: 'ADMIN_STREAM_LIMIT', detail: expect.stringMatching(/of the key auditor-\w+ are open as allowed: 2$/) },
    ])
    expect((await open(flooder, 'HEAD')).status).toBe(503)
    opened.push(await open(other), await open(other))
    const full = (await (await open(adminKey)).json()) as { detail: string }
    expect(full.detail).toBe('as many event streams of all callers together are open as allowed: 4')
    expect(opened.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    for (const { body } of opened) await body!.cancel()
    while ((await metric('arkwatch_admin_streams')) > 0) await Bun.sleep(1) // A socket closes in real time.
  }
})

test('records are followed by auditors, each once it is on the disk, and not by viewers', async () => {
  at = await bootAdmin()
  expect(await at.codeOf('/admin/audit/stream', { key: await at.keyOf('viewer') })).toEqual([403, 'ADMIN_FORBIDDEN'])
  const response = await at.send('/admin/audit/stream', { key: await at.keyOf('auditor') })
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  await at.send('/admin/loggers/followed', { method: 'PUT', json: { level: 'warn' } })
  while (!/"action":"loggers\.set","target":"followed"[^\n]*"outcome":"ok"/.test(text))
    text += decoder.decode((await reader.read()).value)
  const [, seq] = /event: record\nid: (\d+)\ndata: \{"seq":\1,[^\n]*"outcome":"ok"/.exec(text)!
  const { records } = (await at.get('/admin/audit?limit=1000')) as unknown as { records: { seq: number }[] }
  expect(records.some((record) => record.seq === Number(seq))).toBe(true)
  await reader.cancel()
})
