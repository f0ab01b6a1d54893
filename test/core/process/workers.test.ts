import { afterAll, describe, expect, test } from 'bun:test'
import { job } from '../../../core/contract/tasks.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { recordingSink } from '../../../testing/recording-sink.ts'
import { testClock } from '../../../testing/test-clock.ts'

const log = new LogHub(systemClock, recordingSink([])).logger('test')
const Double = job<{ do: string; value?: number }, number>('test.double', new URL('./fixtures/job.ts', import.meta.url))

describe('jobs', () => {
  const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, log)
  afterAll(() => workers.close())

  test('run in a worker and give their value', async () => {
    expect(await workers.run(Double, { do: 'double', value: 21 })).toBe(42)
  })

  const failures = [
    ['answers with a refusal', { do: 'refuse' }, 'the input is too big'],
    ['throws', { do: 'throw' }, 'broken'],
    ['ends its thread', { do: 'exit' }, 'exited with code: 3'],
  ] as const
  for (const [what, input, reason] of failures) {
    test(`a job that ${what} is an error that names it, and the next one runs`, async () => {
      await expect(workers.run(Double, input)).rejects.toMatchObject({
        code: 'WORKER_FAILED',
        message: expect.stringContaining(reason),
      })
      expect(await workers.run(Double, { do: 'double', value: 2 })).toBe(4)
    })
  }

  test('a job that loops for ever is ended in time', async () => {
    await expect(workers.run(Double, { do: 'loop' }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'WORKER_TIMEOUT',
    })
    expect(await workers.run(Double, { do: 'double', value: 3 })).toBe(6)
  })

  test('a job is refused where too many wait already', async () => {
    const options = { timeoutMs: 500 }
    const first = workers.run(Double, { do: 'loop' }, options).catch(() => {})
    const second = workers.run(Double, { do: 'double', value: 1 }, { timeoutMs: 20_000 })
    await expect(workers.run(Double, { do: 'double', value: 1 }, options)).rejects.toMatchObject({
      code: 'WORKER_QUEUE_FULL',
    })
    await first
    expect(await second).toBe(2)
  })
})

describe('a dedicated worker', () => {
  test('is started again when it dies, and told so', async () => {
    const clock = testClock()
    const workers = createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, log)
    const messages: unknown[] = []
    let starts = 0
    let heard = Promise.withResolvers<void>()
    const worker = workers.dedicated('test', new URL('./fixtures/dedicated.ts', import.meta.url), {
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
})
