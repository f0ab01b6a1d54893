import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { z } from 'zod'
import { definePlugin } from '../../../../core/plugin.ts'
import { type EventTopic, eventTopic } from '../../../../plugins/admin/api.ts'
import { type AdminRuntime, bootAdmin } from '../support.ts'
import { bare, tide } from './bare-stream.ts'

// A thread is started, and streams are watched.
setDefaultTimeout(60_000)

let at: AdminRuntime
afterEach(() => at?.stop())

const pluginOf = (name: string, ...topics: EventTopic[]) =>
  definePlugin({
    api: 1,
    name,
    version: '1.0.0',
    summary: 'Contributes topics.',
    config: z.strictObject({}),
    setup: () => ({ contributes: topics.map((each) => eventTopic(each)) }),
  })

async function follow(query: string, key?: string) {
  const response = await at.send(`/admin/stream?${query}`, key === undefined ? {} : { key })
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  const until = async (pattern: RegExp | 'end') => {
    while (pattern === 'end' || !pattern.test(text)) {
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value)
    }
    return text
  }
  return { until, close: () => reader.cancel() }
}

test('a contributed topic is followed beside the others, with its filter, until the reader goes', async () => {
  const { topic, readers } = tide('tides')
  at = await bootAdmin({ plugins: [pluginOf('sea', topic)], config: { plugins: { sea: {} } } })
  const stream = await follow('topics=tides,status&level=warn&logger=sea')
  expect(await stream.until(/event: status/)).toContain('"topics":["tides","status"]')
  expect(readers.map(({ filter }) => filter)).toEqual([{ level: 'warn', logger: 'sea' }])
  readers[0]!.send({ height: 2 })
  readers[0]!.send({ height: 1 }, 'ebb', 7)
  expect(await stream.until(/"height":1/)).toContain(
    'event: tides\ndata: {"height":2}\n\nevent: ebb\nid: 7\ndata: {"height":1}\n\n',
  )
  const gone = new Promise((resolve) => readers[0]!.signal.addEventListener('abort', resolve))
  await stream.close()
  await gone
  const document = await (await at.send('/admin/openapi.json')).text()
  expect(document).toContain('Some of metrics, health, status, logs, tides, with commas between.')
})

test('a topic is for its role, and an unknown one is named with those that there are', async () => {
  const [secret, open] = [tide('secret', { access: 'operator' }), tide('open')]
  at = await bootAdmin({ plugins: [pluginOf('sea', secret.topic, open.topic)], config: { plugins: { sea: {} } } })
  const viewer = await at.keyOf('viewer')
  expect(await at.codeOf('/admin/stream?topics=open,secret', { key: viewer })).toEqual([403, 'ADMIN_FORBIDDEN'])
  expect([secret.readers, open.readers]).toEqual([[], []])
  const stream = await follow('topics=open,secret', await at.keyOf('operator'))
  await stream.until(/hello/)
  expect([secret.readers.length, open.readers.length]).toEqual([1, 1])
  await stream.close()
  const { errors } = await at.get('/admin/stream?topics=secert')
  expect(errors as unknown).toEqual([
    {
      parameter: 'topics',
      detail: 'secert is none of metrics, health, status, logs, secret, open; did you mean "secret"?',
    },
  ])
})

test('a revoked key ends the stream and its topics', async () => {
  const { topic, readers } = tide('tides')
  at = await bootAdmin({ plugins: [pluginOf('sea', topic)], config: { plugins: { sea: {} } } })
  const made = await at.get('/admin/keys', { json: { name: 'reader', role: 'viewer' } })
  const stream = await follow('topics=tides', String(made.key))
  await stream.until(/hello/)
  await at.send(`/admin/keys/${made.id}`, { method: 'DELETE' })
  await stream.until('end')
  expect(readers[0]!.signal.aborted).toBe(true)
})

test('a plugin that goes away takes its topic out of open streams; the last topic ends the stream', async () => {
  const [tides, winds] = [tide('tides'), tide('winds')]
  const plugins = [pluginOf('sea', tides.topic), pluginOf('air', winds.topic)]
  at = await bootAdmin({ plugins, config: { plugins: { sea: {}, air: {} } } })
  const stream = await follow('topics=tides,winds')
  await stream.until(/hello/)
  await at.send('/admin/plugins/sea/disable', { method: 'POST' })
  expect(await stream.until(/event: ended/)).toContain('data: {"topic":"tides"}')
  expect([tides.readers[0]!.signal.aborted, winds.readers[0]!.signal.aborted]).toEqual([true, false])
  winds.readers[0]!.send('still')
  await stream.until(/"still"/)
  await at.send('/admin/plugins/air/disable', { method: 'POST' })
  expect(await stream.until('end')).toContain('data: {"topic":"winds"}')
  expect(await at.codeOf('/admin/stream?topics=tides')).toEqual([422, 'ADMIN_INVALID'])
})

test('streams have a number, and a topic with a name that is taken is left out, as a fault of its plugin', () => {
  const own = ['hello', 'ended', 'dropped', 'log', 'record']
  const { open, topics, faults, held } = bare(...['logs', 'tides', 'tides', ...own].map((name) => tide(name).topic))
  expect(topics.names).toEqual(['logs', 'tides'])
  expect(faults.map((fault) => fault.split(':')[0])).toEqual(['logs', 'tides', ...own])
  const reason = expect.stringContaining('the name belongs to')
  expect(held).toEqual([reason, undefined, reason, ...own.map(() => reason)])
  open('tides')
  expect(() => open('tides')).toThrow('as many event streams of the key a are open as allowed: 1')
})

test('a topic that is left out is logged with its plugin', async () => {
  at = await bootAdmin({ plugins: [pluginOf('sea', tide('logs').topic)], config: { plugins: { sea: {} } } })
  const { logs } = (await at.get('/admin/logs/recent?limit=1000&level=error')) as unknown as { logs: unknown[] }
  expect(JSON.stringify(logs)).toContain('the event topic logs of sea is refused: the name belongs to admin')
  expect(JSON.stringify(logs)).toContain('ADMIN_TOPIC_INVALID')
})

test('a topic cannot send in the name of another topic or of the stream', async () => {
  const forged = ['ended', 'hello', 'log', 'record', 'dropped', 'status', 'other']
  const topics = forged.map((event) => ({
    name: `as-${event}`,
    access: 'viewer' as const,
    open: (send: Parameters<EventTopic['open']>[0]) => send({ forged: true }, event),
  }))
  const other: EventTopic = { name: 'other', access: 'viewer', open: (send) => send(1, 'other-begins') }
  at = await bootAdmin({
    plugins: [pluginOf('forger', ...topics), pluginOf('other', other)],
    config: { plugins: { forger: {}, other: {} } },
  })
  const stream = await follow(`topics=other,${topics.map(({ name }) => name).join(',')}`)
  const text = await stream.until(/as-other"/)
  await stream.close()
  expect(text).toContain('event: other-begins')
  expect(text).not.toContain('forged')
  const { errors } = at.runtime.status().plugins.find(({ name }) => name === 'forger')!
  expect(errors).toBe(forged.length)
})
