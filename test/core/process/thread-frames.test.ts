/** What a thread posts is a foreign value: a malformed frame is a fault of the plugin, and ends nothing else. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { errorOf } from '../../../core/contract/errors.ts'
import type { DedicatedOptions } from '../../../core/contract/tasks.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'

// Threads are started.
setDefaultTimeout(60_000)

function open(options: DedicatedOptions = {}) {
  const clock = testClock()
  const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, new LogHub(clock, recordingSink([])).logger('t'))
  const faults: string[] = []
  let posted = Promise.withResolvers<void>()
  const worker = workers.dedicated('test', new URL('./fixtures/posting.ts', import.meta.url), {
    ...options,
    onMessage: (message) => message === 'posted' && posted.resolve(),
    failed: ({ message }) => faults.push(message),
  })
  const say = async (post?: unknown) => {
    posted = Promise.withResolvers()
    worker.post({ post })
    await posted.promise
  }
  return { clock, worker, faults, say }
}

const junk = fc.constantFrom<unknown[]>(undefined, null, 5, 'text', true, [], {}, [null], new Map(), new Date(0))
const id = fc.constantFrom<unknown[]>(1, 2, 3, 99, -1, 1.5, Number.NaN, '1', null, undefined, {})
const failure = fc.oneof(
  junk,
  fc.record({ code: fc.constantFrom<unknown[]>('X', 5), message: junk, details: junk }, { requiredKeys: [] }),
)
const answer = fc.oneof(
  junk,
  fc.record({ id, value: junk, items: junk, done: junk, failure }, { requiredKeys: ['id'] }),
)
const answers = fc.oneof(junk, fc.array(answer, { maxLength: 4 }))
const frame = fc.record({ frame: fc.constant('arkwatch.answers'), answers }, { requiredKeys: ['frame'] })

test('any frame of a thread settles what it answers or is a fault, and never throws', async () => {
  for (const toError of [undefined, () => Promise.reject(new Error('no error')) as never]) {
    const { worker, faults, say } = open(toError && { toError })
    await say()
    let opened = 0
    await fc.assert(
      fc.asyncProperty(frame, async (post) => {
        faults.length = 0
        opened += 1
        const request = worker.request({}, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => 'failed')
        await say(post)
        expect(faults).toHaveLength(Array.isArray(post.answers) && faults.length === 0 ? 0 : 1)
        for (const fault of faults) expect(fault).toStartWith('the thread test failed: it posted ')
        await say({ frame: 'arkwatch.answers', answers: [{ id: opened, value: 'answered' }] })
        await request
      }),
    )
    expect(worker.pending).toBe(0)
    await worker.stop()
  }
})

const valid = { frame: 'arkwatch.answers', answers: [{ id: 1, value: 'fine' }] }
const answering = (...given: unknown[]) => ({ frame: 'arkwatch.answers', answers: given })

test.each<[string, unknown]>([
  ['a failure that is null', answering({ id: 1, failure: null })],
  ['a failure without a text', answering({ id: 1, failure: { code: 'X', message: 5 } })],
  ['a failure whose details are no object', answering({ id: 1, failure: { code: 'X', message: 'x', details: 5 } })],
  ['items, for a value', answering({ id: 1, items: [1] })],
  ['the end of a stream, for a value', answering({ id: 1, done: true })],
  ['nothing', answering({ id: 1 })],
])('an answer with %s fails its request, by the name of the thread', async (_, post) => {
  const { worker, faults, say } = open()
  await say()
  const request = worker.request({}).catch(errorOf)
  await say(post)
  const reason = expect.stringContaining('the thread test failed: it posted ')
  expect(await request).toMatchObject({ code: 'WORKER_FAILED', message: reason })
  expect(faults).toEqual([reason])
  expect(worker.pending).toBe(0)
  await worker.stop()
})

test.each<[string, unknown]>([
  ['a value', answering({ id: 1, value: 1 })],
  ['items that are no list', answering({ id: 1, items: 'abc' })],
])('an answer with %s fails its stream', async (_, post) => {
  const { worker, faults, say } = open()
  await say()
  const reading = Array.fromAsync(worker.stream({})).catch(errorOf)
  await say(post)
  expect(await reading).toMatchObject({ code: 'WORKER_FAILED' })
  expect(faults).toHaveLength(1)
  await worker.stop()
})

test('a malformed answer leaves the others of its frame as they are', async () => {
  const { worker, faults, say } = open()
  await say()
  const request = worker.request({})
  await say(answering(null, ...valid.answers, { id: 99, value: 'late' }))
  expect(await request).toBe('fine')
  expect(faults).toHaveLength(1)
  await worker.stop()
})

test('a thread starts again with the data of its first start, whatever became of it', async () => {
  const buffer = new ArrayBuffer(8)
  const workerData: Record<string, unknown> = { buffer }
  const { clock, worker, faults, say } = open({ workerData })
  await say()
  structuredClone(buffer, { transfer: [buffer] })
  workerData.later = () => {}
  const dying = worker.request({}).catch(errorOf)
  worker.post({ post: 'end' })
  await dying
  await clock.advance(100)
  await say()
  expect([worker.restarts, faults.length]).toEqual([1, 1])
  await worker.stop()
})

test('data that cannot be cloned is refused with the name of the thread', () => {
  expect(() => open({ workerData: () => {} })).toThrow('the thread test failed: its workerData cannot be cloned')
})
