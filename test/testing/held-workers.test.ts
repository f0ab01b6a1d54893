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

const late: Record<string, (workers: Workers) => Promise<unknown>> = {
  request: (workers) =>
    workers.dedicated('adder', new URL('serving.ts', fixtures)).request({ do: 'never' }, { timeoutMs: 20 }),
  task: (workers) => workers.run(double, { do: 'loop' }, { timeoutMs: 20 }),
  stream: (workers) =>
    Array.fromAsync(
      workers.dedicated('adder', new URL('serving.ts', fixtures)).stream({ do: 'never' }, { timeoutMs: 20 }),
    ),
}
const phases = ['start', 'ready', 'reconfigure', 'handover'] as const
const rows = phases.flatMap((phase) => Object.keys(late).map((kind) => [kind, phase] as const))

test.each(rows)(
  'a %s that is never answered in %s fails by its own error, though no test moves the clock',
  async (kind, phase) => {
    const codes: string[] = []
    const plugin = definePlugin({
      ...base,
      config: z.strictObject({ n: z.number().default(0) }),
      setup({ workers }) {
        const wait = () => late[kind]!(workers).catch(({ code }) => void codes.push(code))
        if (phase === 'handover') return { handover: async () => ({ state: await wait(), resume() {} }) }
        return { [phase]: async () => void (await wait()) }
      },
    })
    await using booted = await testRuntime({ plugins: [plugin] })
    if (phase === 'reconfigure' || phase === 'handover') await booted.reload({ plugins: { poller: { n: 1 } } })
    expect(codes).toEqual(['WORKER_TIMEOUT'])
  },
)

test('a request that began before the stop of a test runtime ends within its limit of real time', async () => {
  const codes: string[] = []
  const plugin = definePlugin({
    ...base,
    setup({ workers }) {
      let pending: Promise<unknown> | undefined
      return {
        start() {
          pending = late.request!(workers).catch(({ code }) => void codes.push(code))
        },
        stop: () => pending?.then(() => {}),
      }
    },
  })
  const booted = await testRuntime({ plugins: [plugin] })
  expect(await booted.stop()).toEqual({ hung: [] })
  expect(codes).toEqual(['WORKER_TIMEOUT'])
})
