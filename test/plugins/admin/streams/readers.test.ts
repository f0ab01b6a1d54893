import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { z } from 'zod'
import { definePlugin } from '../../../../core/plugin.ts'
import { type EventTopic, eventTopic, type SendEvent } from '../../../../plugins/admin/api.ts'
import { maxWaitingBytes } from '../../../../plugins/admin/streams/event-stream.ts'
import { maxEventBytes } from '../../../../plugins/admin/streams/event-text.ts'
import { type AdminRuntime, bootAdmin } from '../support.ts'
import { bare, tide } from './bare-stream.ts'

// A thread is started.
setDefaultTimeout(60_000)

let at: AdminRuntime | undefined
afterEach(async () => {
  await at?.stop()
  at = undefined
})

const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
const turn = () => new Promise((resolve) => setImmediate(resolve))
/** The text whose event `event: t\ndata: "…"\n\n` has so many bytes. */
const sized = (bytes: number, letter: string) =>
  letter.repeat((bytes - 'event: t\ndata: ""\n\n'.length) / Buffer.byteLength(letter))

type Step = { readonly bytes: number; readonly letter: string } | { readonly reads: number }
const step = fc.oneof(
  fc.record({ bytes: fc.integer({ min: 100, max: maxEventBytes }), letter: fc.constantFrom('x', 'é', '€', '𝄞') }),
  fc.record({ reads: fc.integer({ min: 1, max: 4 }) }),
) as fc.Arbitrary<Step>

test('a reader receives the events in order, and is cut off exactly when more bytes than allowed would wait', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { topic, readers } = tide('t')
      const { open, counts, faults } = bare(topic)
      const reader = open('t').getReader()
      await reader.read()
      const { send, signal } = readers[0]!
      const waiting: string[] = []
      let waitingBytes = 0
      for (const each of steps) {
        if ('bytes' in each) {
          const data = sized(each.bytes, each.letter)
          const event = `event: t\ndata: "${data}"\n\n`
          send(data)
          waitingBytes += Buffer.byteLength(event)
          expect(signal.aborted).toBe(waitingBytes > maxWaitingBytes)
          if (signal.aborted) break
          waiting.push(event)
        } else
          for (const event of waiting.splice(0, each.reads)) {
            waitingBytes -= Buffer.byteLength(event)
            expect(textOf((await reader.read()).value) === event).toBe(true)
          }
      }
      expect([counts.dropped, faults]).toEqual([Number(signal.aborted), []])
      if (signal.aborted) {
        await turn()
        await expect(reader.read()).rejects.toThrow('too slow')
        return
      }
      for (const event of waiting) expect(textOf((await reader.read()).value) === event).toBe(true)
      await reader.cancel()
    }),
    { numRuns: 50 },
  )
})

test('a topic that throws, rejects or sends what cannot be sent ends alone, as a fault of its plugin', async () => {
  const good = tide('good')
  const sending =
    (...event: unknown[]): EventTopic['open'] =>
    (send) =>
      send(...(event as Parameters<SendEvent>))
  const failing: Readonly<Record<string, readonly [EventTopic['open'], fault: string]>> = {
    throws: [
      () => {
        throw new Error('at once')
      },
      'at once',
    ],
    rejects: [() => Promise.reject(new Error('later')), 'later'],
    circular: [sending({ n: 1n }), 'BigInt'],
    nothing: [
      sending(undefined),
      'ADMIN_EVENT_INVALID an event is refused: its data is of the type undefined, which is not JSON',
    ],
    function: [sending(() => 1), 'type function, which is not JSON'],
    'no-name': [sending(1, 5), 'event name is of the type number'],
    injecting: [sending(1, 'ok', '1\nevent: admin\ndata: "pwned"'), 'id is of the type string, not an integer'],
    fraction: [sending(1, 'ok', 1.5), 'id is 1.5, not an integer'],
    large: [sending('x'.repeat(maxEventBytes)), `more than ${maxEventBytes} bytes`],
    'large-in-bytes': [sending('€'.repeat(100_000)), `more than ${maxEventBytes} bytes`],
    'large-name': [sending(1, 'é'.repeat(maxEventBytes / 2)), `more than ${maxEventBytes} bytes`],
  }
  const names = Object.keys(failing)
  const topics = names.map((name) => tide(name, { open: failing[name]![0] }).topic)
  const { open, counts, faults } = bare(good.topic, ...topics)
  const reader = open(['good', ...names].join()).getReader()
  let text = ''
  while ((text.match(/event: ended/g) ?? []).length < names.length) text += textOf((await reader.read()).value)
  expect(text).not.toContain('pwned')
  expect(faults.length).toBe(names.length)
  for (const name of names) expect(faults.find((fault) => fault.startsWith(`${name}: `))).toContain(failing[name]![1])
  good.readers[0]!.send('on')
  expect(textOf((await reader.read()).value)).toBe('event: good\ndata: "on"\n\n')
  await reader.cancel()
  expect([counts.open.size, good.readers[0]!.signal.aborted]).toEqual([0, true])
})

test('a listener of the abort that throws or rejects is a fault of its plugin, and the others are called', async () => {
  const aborted: string[] = []
  const { topic } = tide('t', {
    open(_send, _filter, signal) {
      signal.addEventListener('abort', () => {
        throw new Error('in the listener')
      })
      signal.addEventListener('abort', async () => {
        throw new Error('after the listener')
      })
      signal.addEventListener('abort', { handleEvent: () => void aborted.push('object') })
      const removed = () => void aborted.push('removed')
      signal.addEventListener('abort', removed, { once: true })
      signal.removeEventListener('abort', removed)
      signal.addEventListener('abort', () => aborted.push('last'), { once: true })
    },
  })
  const { open, faults } = bare(topic)
  await open('t').cancel()
  await turn()
  expect(aborted).toEqual(['object', 'last'])
  expect(faults).toEqual(['t:  in the listener', 't:  after the listener'])
})

const burst = (count: number, letters: number) => (send: SendEvent) => {
  for (let n = 0; n < count; n += 1) send({ n, pad: 'x'.repeat(letters) })
}

test('over a socket a burst below the limit arrives whole, and one above it cuts the reader off', async () => {
  const late = Promise.withResolvers<SendEvent>()
  const topics = [
    tide('early', { open: burst(20, 16_000) }).topic,
    tide('late', { open: (send) => late.resolve(send) }).topic,
    tide('flood', { open: burst(80, 16_000) }).topic,
  ]
  const sea = definePlugin({
    api: 1,
    name: 'sea',
    version: '1.0.0',
    summary: 'Contributes topics.',
    config: z.strictObject({}),
    setup: () => ({ contributes: topics.map((each) => eventTopic(each)) }),
  })
  at = await bootAdmin({ plugins: [sea], config: { plugins: { sea: {} } } })
  for (const name of ['early', 'late']) {
    const reader = (await at.send(`/admin/stream?topics=${name}`)).body!.getReader()
    if (name === 'late') burst(20, 16_000)(await late.promise)
    let text = ''
    while (!text.includes('"n":19')) text += textOf((await reader.read()).value)
    expect([...text.matchAll(/"n":\d+/g)].map(([found]) => found)).toEqual(
      Array.from({ length: 20 }, (_, n) => `"n":${n}`),
    )
    await reader.cancel()
  }
  const flood = at.send('/admin/stream?topics=flood').then((response) => response.text())
  await expect(flood).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await (await at.send('/metrics', { key: null })).text()).toContain('arkwatch_admin_streams_dropped_total 1')
  expect(at.runtime.status().plugins).toContainEqual(expect.objectContaining({ name: 'sea', state: 'ok', errors: 0 }))
})
