import { expect, test } from 'bun:test'
import { definePlugin, type PluginClock, task, type Workers, z } from '../../core/plugin.ts'
import { Store } from '../../plugins/store/api.ts'
import { testRuntime } from '../../testing/test-runtime.ts'
import type { Input } from '../core/process/fixtures/task.ts'

const fixtures = new URL('../core/process/fixtures/', import.meta.url)
const double = task<Input, number>('sample.double', new URL('task.ts', fixtures))
type Work = () => Promise<unknown>
const unlimited = { timeoutMs: Number.POSITIVE_INFINITY }
const request = { do: 'add', a: 1, b: 2 }

const kinds: Record<string, (workers: Workers) => Work> = {
  task: (workers) => () => workers.run(double, { do: 'double', value: 1 }),
  'task without a limit': (workers) => () => workers.run(double, { do: 'double', value: 1 }, unlimited),
  request: (workers) => {
    const thread = workers.dedicated('adder', new URL('serving.ts', fixtures))
    return () => thread.request(request)
  },
  'request without a limit': (workers) => {
    const thread = workers.dedicated('adder', new URL('serving.ts', fixtures))
    return () => thread.request(request, unlimited)
  },
  'stream with a limit': (workers) => {
    const thread = workers.dedicated('adder', new URL('serving.ts', fixtures))
    return () => Array.fromAsync(thread.stream({ do: 'count', to: 30 }, { timeoutMs: 5_000 }))
  },
}

const base = { api: 1, name: 'poller', version: '1.0.0', summary: 'Polls.', config: z.strictObject({}) } as const

/** Arms the next call after each work. @returns how often the work was done */
function poll(clock: PluginClock, work: Work): { done: number } {
  const count = { done: 0 }
  const due = async () => {
    await work()
    count.done += 1
    clock.after(5_000, due)
  }
  clock.after(5_000, due)
  return count
}

test.each(Object.keys(kinds))('the clock of a test runtime waits for a %s', async (kind) => {
  let count: ReturnType<typeof poll> | undefined
  const poller = definePlugin({
    ...base,
    setup: ({ clock, workers }) => ({
      start() {
        count = poll(clock, kinds[kind]!(workers))
      },
    }),
  })
  await using booted = await testRuntime({ plugins: [poller] })
  await booted.clock.advance(15_000)
  expect(count?.done).toBe(3)
})

test('the clock of a test runtime waits for the store', async () => {
  let count: ReturnType<typeof poll> | undefined
  const poller = definePlugin({
    ...base,
    needs: { store: Store },
    setup: ({ clock, needs }) => ({
      async start() {
        const migrations = ['CREATE TABLE poller_a (n INTEGER NOT NULL) STRICT']
        const area = await needs.store.area({ name: 'poller', migrations })
        count = poll(clock, async () => {
          await area.write([{ sql: 'INSERT INTO poller_a (n) VALUES (1)' }])
          await area.query('SELECT n FROM poller_a')
        })
      },
    }),
  })
  await using booted = await testRuntime({ plugins: [poller], config: { plugins: { store: {} } } })
  await booted.clock.advance(15_000)
  expect(count?.done).toBe(3)
})
