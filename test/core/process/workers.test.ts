import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { task } from '../../../core/contract/tasks.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'
import type { Input } from './fixtures/task.ts'

// Threads are started.
setDefaultTimeout(30_000)
const log = new LogHub(systemClock, recordingSink([])).logger('test')
const Fixture = task<Input, number>('test.fixture', new URL('./fixtures/task.ts', import.meta.url))

/** What a task of the kind `hold` counts itself in, and waits at. */
function gate() {
  const memory = new SharedArrayBuffer(8)
  const view = new Int32Array(memory)
  return {
    input: { do: 'hold', gate: memory } as const,
    entered: async (count: number) => {
      for (let seen = Atomics.load(view, 0); seen < count; seen = Atomics.load(view, 0)) {
        await Atomics.waitAsync(view, 0, seen).value
      }
    },
    count: () => Atomics.load(view, 0),
    open: () => {
      Atomics.store(view, 1, 1)
      Atomics.notify(view, 1)
    },
  }
}

describe('tasks', () => {
  const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, log)
  afterAll(() => workers.close())
  const double = (value: number) => workers.run(Fixture, { do: 'double', value })

  test('run in a worker and give their value', async () => {
    expect(await double(21)).toBe(42)
  })

  const failures = [
    ['answers with a refusal', { do: 'refuse' }, 'the input is too big (TOO_BIG)', { taskCode: 'TOO_BIG' }],
    ['throws', { do: 'throw' }, 'broken', {}],
    [
      'throws an error with a code',
      { do: 'throw with a code' },
      'no such row (NO_ROW)',
      { taskCode: 'NO_ROW', taskDetails: { row: 7 } },
    ],
    ['ends its thread', { do: 'exit' }, 'exited with code: 3', {}],
  ] as const
  for (const [what, input, reason, details] of failures) {
    test(`a task that ${what} is an error that names it, and the next one runs`, async () => {
      await expect(workers.run(Fixture, input)).rejects.toMatchObject({
        code: 'WORKER_FAILED',
        message: expect.stringContaining(reason),
        details: { task: 'test.fixture', ...details },
      })
      expect(await double(2)).toBe(4)
    })
  }

  test('a task whose file is missing is an error that names the file', async () => {
    const missing = task<undefined, number>('test.missing', new URL('./fixtures/missing.ts', import.meta.url))
    await expect(workers.run(missing, undefined)).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('fixtures/missing.ts'),
    })
  })

  test('a task that loops for ever is ended in time', async () => {
    await expect(workers.run(Fixture, { do: 'loop' }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'WORKER_TIMEOUT',
    })
    expect(await double(3)).toBe(6)
  })

  test('a task is refused where too many wait already', async () => {
    const options = { timeoutMs: 500 }
    const first = workers.run(Fixture, { do: 'loop' }, options).catch(() => {})
    const second = workers.run(Fixture, { do: 'double', value: 1 }, { timeoutMs: 20_000 })
    await expect(workers.run(Fixture, { do: 'double', value: 1 }, options)).rejects.toMatchObject({
      code: 'WORKER_QUEUE_FULL',
    })
    await first
    expect(await second).toBe(2)
  })

  test('the progress of a task arrives in order and before its answer', async () => {
    const seen: number[] = []
    const values = await workers.run(
      Fixture,
      { do: 'progress', values: 500 },
      { onProgress: (at: number) => seen.push(at) },
    )
    expect(seen).toEqual(Array.from({ length: 500 }, (_, at) => at))
    expect(values).toBe(500)
  })

  test('progress of a run is limited, and an error of its callback ends the task', async () => {
    let seen = 0
    await workers.run(Fixture, { do: 'progress', values: 10_001 }, { onProgress: () => (seen += 1) })
    expect(seen).toBe(10_000)
    const broken = () => {
      throw new Error('broken callback')
    }
    for (const onProgress of [broken, async () => broken()])
      await expect(workers.run(Fixture, { do: 'progress', values: 100 }, { onProgress })).rejects.toThrow(
        'broken callback',
      )
    expect(await double(4)).toBe(8)
  })

  test('a progress callback that rejects ends the task, and is a late fault once the task has ended', async () => {
    const held = gate()
    const broken = async () => {
      throw new Error('broken callback')
    }
    const input = { do: 'progress', values: 1, gate: held.input.gate } as const
    await expect(workers.run(Fixture, input, { onProgress: broken })).rejects.toThrow('broken callback')
    const late = Promise.withResolvers<unknown>()
    const later = Promise.withResolvers<void>()
    const onProgress = () => later.promise
    expect(await workers.run(Fixture, { do: 'progress', values: 1 }, { onProgress, lateFault: late.resolve })).toBe(1)
    later.reject(new Error('broken later'))
    expect(await late.promise).toHaveProperty('message', 'broken later')
  })

  test('a task whose file has an error is an error with the place', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'arkwatch-task-')), 'broken.ts')
    writeFileSync(file, 'export default () => {\n  const = 1\n}\n')
    const broken = task<undefined, number>('test.broken', pathToFileURL(file))
    await expect(workers.run(broken, undefined)).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining(`${file}:2:9: `),
    })
    rmSync(dirname(file), { recursive: true })
  })

  test('an abort rejects with its reason, before the task, while the task waits, and while the task runs', async () => {
    const reason = new Error('the caller left')
    const held = gate()
    const running = new AbortController()
    const waiting = new AbortController()
    const first = workers.run(Fixture, held.input, { signal: running.signal })
    const second = workers.run(Fixture, held.input, { signal: waiting.signal })
    await held.entered(1)
    await expect(workers.run(Fixture, held.input, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    waiting.abort(reason)
    await expect(second).rejects.toBe(reason)
    running.abort(reason)
    await expect(first).rejects.toBe(reason)
    expect(await double(5)).toBe(10)
    expect(held.count()).toBe(1)
  })
})

test('the time limit of a task counts its run time and not its time in the queue', async () => {
  const clock = testClock()
  const workers = createWorkers({ maxThreads: 1, maxQueue: 2 }, clock, log)
  const [first, second] = [gate(), gate()]
  const spent: number[] = []
  const options = (timeoutMs: number) => ({ timeoutMs, spent: (ms: number) => spent.push(ms) })
  const long = workers.run(Fixture, first.input, options(60_000))
  const queued = workers.run(Fixture, second.input, options(1_000))
  const late = queued.catch((error) => error)
  await first.entered(1)
  await clock.advance(50_000)
  first.open()
  expect(await long).toBe(1)
  await second.entered(1)
  await clock.advance(999)
  await clock.advance(1)
  expect(await late).toMatchObject({ code: 'WORKER_TIMEOUT', details: { task: 'test.fixture', timeoutMs: 1_000 } })
  expect(spent).toEqual([50_000, 1_000])
  await workers.close()
})

describe('the batch lane', () => {
  test('leaves a thread to interactive tasks, which pass waiting batch tasks', async () => {
    const workers = createWorkers({ maxThreads: 2, maxQueue: 5 }, systemClock, log)
    const held = gate()
    const batch = Array.from({ length: 4 }, () => workers.run(Fixture, held.input, { lane: 'batch' }))
    await held.entered(1)
    expect(await workers.run(Fixture, { do: 'double', value: 1 })).toBe(2)
    expect(held.count()).toBe(1)
    held.open()
    expect(await Promise.all(batch)).toEqual([1, 2, 3, 4])
    await workers.close()
  })

  test('has a queue of its own, and with one thread waits for the interactive tasks', async () => {
    const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, log)
    const held = gate()
    const order: string[] = []
    const note = (what: string) => () => order.push(what)
    const first = workers.run(Fixture, held.input, { lane: 'batch' })
    const batch = workers.run(Fixture, { do: 'double', value: 1 }, { lane: 'batch' }).then(note('batch'))
    await expect(workers.run(Fixture, held.input, { lane: 'batch' })).rejects.toMatchObject({
      code: 'WORKER_QUEUE_FULL',
    })
    const interactive = workers.run(Fixture, { do: 'double', value: 1 }).then(note('interactive'))
    held.open()
    await Promise.all([first, batch, interactive])
    expect(order).toEqual(['interactive', 'batch'])
    await workers.close()
  })
})
