import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { task } from '../../../core/contract/tasks.ts'
import { type Context, rig } from './host-rig.ts'

// Threads are started.
setDefaultTimeout(30_000)
const fixture = (name: string) => new URL(`../process/fixtures/${name}.ts`, import.meta.url)
const Hold = task<{ do: 'hold'; gate: SharedArrayBuffer }, number>('test.hold', fixture('task'))
const fails = (promise: Promise<unknown>) =>
  promise.then(
    () => {},
    () => {},
  )

async function up() {
  const parts = rig()
  let context!: Context
  parts.define('user', {
    setup: (given) => {
      context = given
      return {}
    },
  })
  await parts.host.boot([parts.section('user')])
  return { ...parts, context, status: () => parts.host.status()[0]! }
}

describe('the workers of a plugin', () => {
  test('charge the run time of its tasks to it', async () => {
    const { host, context, clock, status } = await up()
    const memory = new SharedArrayBuffer(8)
    const gate = new Int32Array(memory)
    const held = context.workers.run(Hold, { do: 'hold', gate: memory })
    while (Atomics.load(gate, 0) === 0) await Atomics.waitAsync(gate, 0, 0).value
    await clock.advance(1_500)
    Atomics.store(gate, 1, 1)
    await held
    expect(status().taskMs).toBe(1_500)
    await host.stop()
  })

  test('turn it degraded where a thread cannot load, once it is up', async () => {
    const { host, context, status } = await up()
    await fails(context.workers.dedicated('user.thread', fixture('missing')).ready)
    expect(status()).toMatchObject({
      state: 'degraded',
      errors: 1,
      reason: expect.stringContaining('fixtures/missing.ts'),
    })
    await host.stop()
  })

  test.each(['missing', 'broken-at-load', 'no-port'])(
    'keep it degraded while a thread is gone for good (%s), until the plugin stops that thread',
    async (file) => {
      const { host, context, clock, status } = await up()
      const thread = context.workers.dedicated('user.thread', fixture(file))
      await fails(thread.ready)
      await clock.advance(75_000)
      const reason = expect.stringContaining('the thread user.thread ended: it did not load')
      expect(status()).toMatchObject({ state: 'degraded', errors: 1, reason })
      await thread.stop()
      expect(status()).toMatchObject({ state: 'ok', reason: '' })
      await host.stop()
    },
  )

  test.each(['start', 'ready'] as const)('say which thread is silent where its %s waits in vain', async (phase) => {
    const { host, clock, define, section, reasons } = rig()
    const waiting = Promise.withResolvers<void>()
    define('waits', {
      setup: ({ workers }) => ({
        async [phase]() {
          const { ready } = workers.dedicated('waits.heard', fixture('serving'))
          const silent = workers.dedicated('waits.silent', fixture('dedicated'))
          await ready
          waiting.resolve()
          await silent.ready
        },
      }),
    })
    const booted = host.boot([section('waits')]).then(() => host.ready())
    await waiting.promise
    await clock.advance(10_000)
    await booted
    const silent = 'the thread waits.silent has not sent its first message, by serveRequests or announceReady'
    expect(reasons().waits).toBe(`plugin waits did not finish ${phase} within 10000 ms: ${silent}`)
  })

  test('turn it degraded each time a thread ends, with the thread and the reason', async () => {
    const { host, context, clock, status } = await up()
    let starts = 0
    const thread = context.workers.dedicated('user.thread', fixture('serving'), {
      onStart: () => {
        starts += 1
        if (starts === 2) throw new Error('broken start')
      },
    })
    await thread.ready
    await fails(thread.request({ do: 'die' }))
    const reason = 'the thread user.thread threw: the thread user.thread ended: it ended with code 4'
    expect(status()).toMatchObject({ state: 'degraded', errors: 1, reason })
    await clock.advance(100)
    expect(status()).toMatchObject({ errors: 2, reason: expect.stringContaining('broken start') })
    expect(await thread.request<number>({ do: 'add', a: 1, b: 2 })).toBe(3)
    await host.stop()
    expect(status()).toMatchObject({ errors: 2 })
  })

  test('make a progress callback that rejects after its task its fault', async () => {
    const { host, context, status } = await up()
    const Progress = task<{ do: 'progress'; values: number }, number>('test.progress', fixture('task'))
    const later = Promise.withResolvers<void>()
    await context.workers.run(Progress, { do: 'progress', values: 1 }, { onProgress: () => later.promise })
    later.reject(new Error('broken later'))
    await fails(later.promise)
    expect(status()).toMatchObject({ state: 'degraded', reason: 'onProgress of a task threw: broken later' })
    await host.stop()
  })

  test('turn it failed where its start waits for a thread that cannot load', async () => {
    const { host, define, section, states, reasons } = rig()
    define('bad', {
      setup: ({ workers }) => ({ start: () => workers.dedicated('bad.thread', fixture('missing')).ready }),
    })
    await host.boot([section('bad')])
    expect(states()).toEqual({ bad: 'failed' })
    expect(reasons().bad).toContain('fixtures/missing.ts')
  })

  test('make an error in any callback its fault, thrown or rejected', async () => {
    const { host, context, status } = await up()
    const broken = () => {
      throw Object.create(null)
    }
    const heard = Promise.withResolvers<void>()
    const echo = context.workers.dedicated('user.echo', fixture('dedicated'), {
      onStart: broken,
      onMessage: async () => {
        heard.resolve()
        broken()
      },
    })
    expect(status()).toMatchObject({ errors: 1 })
    echo.post('one')
    await heard.promise
    await echo.ready
    expect(status()).toMatchObject({ state: 'degraded', errors: 2 })
    await host.stop()
  })

  test('make an error in a callback its fault, and end its threads and requests with it', async () => {
    const { host, context, status } = await up()
    const heard = Promise.withResolvers<void>()
    const echo = context.workers.dedicated('user.echo', fixture('dedicated'), {
      onMessage: () => {
        heard.resolve()
        throw new Error('broken callback')
      },
    })
    echo.post('one')
    await heard.promise
    expect(status()).toMatchObject({ state: 'degraded', errors: 1 })
    const serving = context.workers.dedicated('user.serving', fixture('serving'))
    const pending = serving.request({ do: 'never' }).catch(({ code }) => code)
    await host.stop()
    expect(await pending).toBe('WORKER_ENDED')
  })
})
