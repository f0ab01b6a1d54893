import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { DedicatedOptions } from '../../../core/contract/tasks.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'

// Threads are started.
setDefaultTimeout(30_000)
const log = new LogHub(systemClock, recordingSink([])).logger('test')

/** `rejects` waits without turning the loop, which an unreferenced thread needs. */
const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  )

function open(file: string, options: DedicatedOptions & { failed?(error: Error): void } = {}) {
  const clock = testClock()
  const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, log)
  return { clock, worker: workers.dedicated('test', new URL(`./fixtures/${file}.ts`, import.meta.url), options) }
}

describe('a dedicated worker', () => {
  test('is started again when it dies, and told so', async () => {
    const messages: unknown[] = []
    let starts = 0
    let heard = Promise.withResolvers<void>()
    const { clock, worker } = open('dedicated', {
      onStart: () => {
        starts += 1
      },
      onMessage: (message) => {
        messages.push(message)
        heard.resolve()
      },
    })
    worker.post('one')
    await heard.promise
    await worker.ready
    worker.post('die')
    // The exit of a real thread cannot be waited for otherwise.
    while (clock.pending === 0) await Bun.sleep(5)
    await clock.advance(100)
    heard = Promise.withResolvers<void>()
    worker.post('two')
    await heard.promise
    await worker.stop()
    expect({ starts, restarts: worker.restarts, messages }).toEqual({
      starts: 2,
      restarts: 1,
      messages: ['echo one', 'echo two'],
    })
  })

  test('waits longer before each restart, and begins anew after a quiet minute', async () => {
    const delays: number[] = []
    const { clock, worker } = open('serving')
    const dieAfter = async (livedMs: number) => {
      await worker.request({ do: 'add', a: 1, b: 2 })
      await clock.advance(livedMs)
      await worker.request({ do: 'die' }, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => {})
      const diedMs = clock.monotonic()
      const { restarts } = worker
      expect(clock.pending).toBe(1)
      while (worker.restarts === restarts && clock.pending === 1) await clock.advance(50)
      delays.push(clock.monotonic() - diedMs)
    }
    for (const livedMs of [0, 59_000, 60_000, 0]) await dieAfter(livedMs)
    expect(delays).toEqual([100, 1_000, 100, 1_000])
    await worker.stop()
  })

  test('that ends is a failure each time, and its last words reach those who wait', async () => {
    const failures: string[] = []
    const { clock, worker } = open('serving', { failed: ({ message }) => failures.push(message) })
    for (const delayMs of [100, 1_000]) {
      await worker.request({ do: 'add', a: 1, b: 2 })
      await worker.request({ do: 'die' }).catch(() => {})
      await clock.advance(delayMs)
    }
    expect(failures).toEqual(Array(2).fill('the thread test ended: it ended with code 4'))
    await worker.stop()
    expect(failures).toHaveLength(2)
  })

  test('whose toError throws rejects with what toError threw', async () => {
    const { worker } = open('serving', {
      toError() {
        throw new Error('no error made')
      },
    })
    expect(await thrownBy(worker.request({ do: 'throw' }))).toHaveProperty('message', 'no error made')
    expect(await thrownBy(worker.request({ do: 'die' }))).toHaveProperty('message', 'no error made')
    await worker.stop()
  })

  for (const [file, reason] of [
    ['missing', 'fixtures/missing.ts: Cannot find module'],
    ['broken-at-load', 'broken at load'],
    ['silent', 'fixtures/silent.ts sent no message before its end: call serveRequests or announceReady'],
    ['no-port', 'the first parameter is a function: pass parentPort of node:worker_threads'],
  ] as const) {
    test(`that cannot load its file (${file}) is not ready, a failure, and not retried`, async () => {
      const failures: Error[] = []
      const { clock, worker } = open(file, { failed: (error) => failures.push(error) })
      const request = worker.request({ do: 'add', a: 1, b: 2 }).catch(({ code }) => code)
      const error = await worker.ready.catch((thrown) => thrown)
      expect(error).toMatchObject({ code: 'WORKER_ENDED', message: expect.stringContaining(reason) })
      expect(await request).toBe('WORKER_ENDED')
      expect(failures).toEqual([error])
      expect([clock.pending, worker.restarts]).toEqual([0, 0])
      expect(await thrownBy(worker.request({}))).toHaveProperty('message', error.message)
      await worker.stop()
    })
  }
})

describe('a request', () => {
  const { clock, worker } = open('serving', { maxPending: 300 })
  afterAll(() => worker.stop())
  interface State {
    cancelled: number
    counted: number
    batches: number[]
  }
  const state = () => worker.request<State>({ do: 'state' })

  test('is answered with a value, a transferred buffer, or the error of the thread', async () => {
    await worker.ready
    expect(await worker.request<number>({ do: 'add', a: 1, b: 2 })).toBe(3)
    expect(await worker.request<ArrayBuffer>({ do: 'buffer' })).toHaveProperty('byteLength', 8)
    expect(await thrownBy(worker.request({ do: 'throw' }))).toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('no such row (NO_ROW)'),
      details: { taskCode: 'NO_ROW', taskDetails: { row: 7 } },
    })
    expect([worker.pending, clock.pending]).toEqual([0, 0])
  })

  test('shares a message with the answers of the same turn, and fails alone where its answer cannot be cloned', async () => {
    const before = (await state()).batches.length
    const requests = Array.from({ length: 100 }, (_, a) => worker.request<number>({ do: 'add', a, b: 1 }))
    const odd = worker.request({ do: 'not cloneable' }).catch(({ code }) => code)
    expect(await Promise.all(requests)).toEqual(Array.from({ length: 100 }, (_, a) => a + 1))
    expect(await odd).toBe('WORKER_FAILED')
    const { batches } = await state()
    expect(Math.max(...batches.slice(before))).toBeGreaterThan(10)
  })

  test('ends at its time limit or with the reason of its signal, and is cancelled in the thread', async () => {
    const controller = new AbortController()
    const reason = new Error('the caller left')
    const aborted = worker.request({ do: 'never' }, { signal: controller.signal })
    const late = worker.request({ do: 'never' }, { timeoutMs: 500 }).catch(({ code }) => code)
    controller.abort(reason)
    expect(await thrownBy(aborted)).toBe(reason)
    await clock.advance(500)
    expect(await late).toBe('WORKER_TIMEOUT')
    expect(await thrownBy(worker.request({ do: 'never' }, { signal: controller.signal }))).toBe(reason)
    expect((await state()).cancelled).toBe(2)
    expect([worker.pending, clock.pending]).toEqual([0, 0])
  })

  test('is refused where too many are pending', async () => {
    const controller = new AbortController()
    const pending = Array.from({ length: 300 }, () =>
      worker.request({ do: 'never' }, { signal: controller.signal }).catch(() => 'ended'),
    )
    expect(await thrownBy(worker.request({ do: 'add', a: 1, b: 2 }))).toMatchObject({
      code: 'WORKER_QUEUE_FULL',
      message: 'a request to the thread test was refused: 300 are waiting already',
    })
    controller.abort()
    expect(new Set(await Promise.all(pending))).toEqual(new Set(['ended']))
    expect(await worker.request<number>({ do: 'add', a: 1, b: 2 })).toBe(3)
  })

  test('that streams gives every item in order', async () => {
    const items: number[] = []
    for await (const item of worker.stream<number>({ do: 'count', to: 1_000 })) items.push(item)
    expect(items).toEqual(Array.from({ length: 1_000 }, (_, at) => at))
    expect(worker.pending).toBe(0)
  })

  test('that streams runs no more than a few batches ahead, and is cancelled when its loop is left', async () => {
    const { cancelled } = await state()
    for await (const item of worker.stream<number>({ do: 'count', to: 1_000_000 })) if (item === 300) break
    const after = await state()
    expect(after.cancelled).toBe(cancelled + 1)
    expect(after.counted).toBeLessThan(2_000)
    expect(worker.pending).toBe(0)
  })

  const reason = new Error('the caller left')
  type Items = AsyncGenerator<unknown, void, void>
  const leaving: [string, (items: Items) => PromiseLike<unknown>, unknown][] = [
    ['return()', (items) => items.return(), { done: true, value: undefined }],
    ['throw()', (items) => items.throw(reason).catch((thrown) => thrown), reason],
    ['await using', (items) => items[Symbol.asyncDispose]().then(() => 'disposed'), 'disposed'],
  ]
  for (const [way, leave, answer] of leaving) {
    test.each([0, 1, 3])(
      `that streams is ended at once by ${way} while it waits for %d more items`,
      async (waiting) => {
        const { cancelled } = await state()
        const items = worker.stream({ do: 'events' }) as Items
        expect(await items.next()).toEqual({ done: false, value: [1] })
        const next = Promise.all(Array.from({ length: waiting }, () => items.next()))
        const left = leave(items)
        expect(worker.pending).toBe(0)
        expect(await next).toEqual(Array(waiting).fill({ done: true, value: undefined }))
        expect(await left).toEqual(answer)
        expect(await items.next()).toEqual({ done: true, value: undefined })
        expect((await state()).cancelled).toBe(cancelled + 1)
      },
    )
  }

  test.each([0, 1, 300])(
    'that streams from an iterator of its own ends the iterator once, after %d items',
    async (most) => {
      const { cancelled } = await state()
      const items = worker.stream({ do: 'cursor' }) as Items
      for (let read = 0; read <= most; read += 1) await items.next()
      await items.return()
      for (let turn = 0; turn < 3; turn += 1) expect((await state()).cancelled).toBe(cancelled + 1)
    },
  )

  test('that streams sends nothing where it is left before its first item is asked for', async () => {
    const { cancelled } = await state()
    const items = worker.stream({ do: 'events' }) as Items
    expect([await items.return(), await items.next()]).toEqual(Array(2).fill({ done: true, value: undefined }))
    expect([worker.pending, (await state()).cancelled]).toEqual([0, cancelled])
  })

  test('that streams throws the error of the thread, and the reason of its signal', async () => {
    const read = async (message: unknown, signal?: AbortSignal) => {
      for await (const _ of worker.stream(message, signal && { signal }));
    }
    expect(await thrownBy(read({ do: 'throw' }))).toMatchObject({ details: { taskCode: 'NO_ROW' } })
    const controller = new AbortController()
    const reading = read({ do: 'count', to: 1_000_000 }, controller.signal)
    controller.abort(new Error('the caller left'))
    expect(await thrownBy(reading)).toHaveProperty('message', 'the caller left')
  })

  test('in progress is rejected when its thread dies, and one in between is refused', async () => {
    const pending = worker.request({ do: 'never' }).catch(({ code }) => code)
    const dying = worker.request({ do: 'die' }).catch(({ code }) => code)
    expect([await pending, await dying]).toEqual(['WORKER_ENDED', 'WORKER_ENDED'])
    expect(await thrownBy(worker.request({ do: 'add', a: 1, b: 2 }))).toMatchObject({ code: 'WORKER_ENDED' })
    await clock.advance(100)
    expect(await worker.request<number>({ do: 'add', a: 1, b: 2 })).toBe(3)
  })
})
