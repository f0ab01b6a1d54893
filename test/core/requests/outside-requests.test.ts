import { expect, test } from 'bun:test'
import type { PluginContext } from '../../../core/contract/definition.ts'
import { definePlugin, extensionPoint, outsideRequests, systemClock, z } from '../../../core/plugin.ts'
import { currentRequest } from '../../../core/requests/request-scope.ts'
import { longestWaitMs, mostWaiting } from '../../../core/requests/traffic.ts'
import { Connector } from '../../../plugins/pool/lending/connector.ts'
import type { PoolSettings } from '../../../plugins/pool/lending/pool-options.ts'
import { testRuntime } from '../../../testing/index.ts'

const items = extensionPoint<string>('watching.items')
const settings = { connectTimeout: 1_000, backOff: { firstMs: 1_000, maxMs: 1_000 } } as PoolSettings

type Context = Pick<PluginContext<never, never, never>, 'clock' | 'contribute'>

/** Boots a plugin that notes the request in which each of its calls runs. */
async function watched() {
  const seen: Record<string, string> = {}
  const note = (name: string) => () => {
    // A request that was seen once stays.
    if ((seen[name] ?? 'none') === 'none') seen[name] = currentRequest()?.id ?? 'none'
  }
  let context: Context | undefined
  const plugin = definePlugin({
    api: 1,
    name: 'watching',
    version: '1.0.0',
    summary: 'Notes the request of each call.',
    config: z.strictObject({}),
    setup(created) {
      context = created
      note('setup')()
      created.clock.every(1_000, note('every of setup'))
      created.extensions(items).onChange(note('onChange'))
      created.defer(note('defer'))
      const calls = { start: note('start'), ready: note('ready'), stop: note('stop') }
      return { ...calls, hooks: { context: true, observe: note('observe') } }
    },
  })
  const { runtime, clock, stop } = await testRuntime({ plugins: [plugin] })
  let trigger: () => unknown = () => {}
  const handler = async (request: Request) => {
    if (new URL(request.url).pathname === '/trigger') await trigger()
    expect(currentRequest()?.id).toBe(request.headers.get('x-request-id')!)
    return new Response('x')
  }
  const fetch = runtime.requestPath.wrapFetch(handler, () => '/x')
  const request = async (path: string, id: string) => {
    await fetch(new Request(`http://localhost${path}`, { headers: { 'x-request-id': id } }))
  }
  return {
    ...{ runtime, clock, stop, note, request },
    context: context!,
    /** @returns what ran while a request called `work`, and in the second after the request */
    async during(work: () => unknown) {
      await clock.advance(longestWaitMs)
      for (const name of Object.keys(seen)) delete seen[name]
      trigger = work
      await request('/trigger', 'BOB')
      await clock.advance(1_000)
      return { ...seen }
    },
  }
}
type Watched = Awaited<ReturnType<typeof watched>>

const instance = ['setup', 'every of setup', 'start', 'ready', 'stop', 'defer', 'observe']
const triggers: [string, string[], (host: Watched) => unknown][] = [
  [
    'a flush of the batch',
    ['observe', 'every of setup'],
    async ({ request, runtime }) => {
      await request('/other', 'ALICE')
      runtime.flushRequests()
    },
  ],
  [
    'a batch that is full',
    ['observe', 'every of setup'],
    async ({ request }) => {
      for (let count = 0; count < mostWaiting; count += 1) await request('/other', 'ALICE')
    },
  ],
  [
    'a batch that waits',
    ['observe', 'every of setup'],
    async ({ request, clock }) => {
      await request('/other', 'ALICE')
      await clock.advance(longestWaitMs)
    },
  ],
  [
    'timers of a plugin',
    ['after', 'every', 'every of setup', 'observe'],
    async ({ context, clock, note }) => {
      context.clock.after(10, note('after'))
      context.clock.every(10, note('every'))
      await clock.advance(10)
    },
  ],
  [
    'timers of the system',
    ['after', 'every', 'every of setup', 'observe'],
    async ({ note }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      systemClock.after(0, note('after'))
      const stop = systemClock.every(1, () => resolve(note('every')()))
      await promise.finally(stop)
    },
  ],
  ['a contribution', ['onChange', 'every of setup', 'observe'], ({ context }) => context.contribute(items('x'))],
  ['a restart of the plugin', instance, ({ runtime }) => runtime.restart('watching')],
  ['a stop of the runtime', ['stop', 'defer', 'observe'], ({ runtime }) => runtime.stop()],
  [
    'a connection of a pool',
    ['connect', 'failed', 'again', 'every of setup', 'observe'],
    ({ clock, note }) => {
      const connect = () => {
        note('connect')()
        return Promise.reject(new Error('refused'))
      }
      const listener = { opened: () => () => {}, failed: note('failed'), again: note('again') }
      return new Connector({ connect, clock, random: () => 0 }, listener).connect(settings)
    },
  ],
  [
    'calls gathered by a plugin',
    ['gathered', 'every of setup', 'observe'],
    ({ note }) => outsideRequests(() => queueMicrotask(note('gathered'))),
  ],
]

test.each(triggers)('what %s runs for others is outside of the request that triggers it', async (_, names, trigger) => {
  const host = await watched()
  const seen = await host.during(() => trigger(host))
  expect(seen).toEqual(Object.fromEntries(names.map((name) => [name, 'none'])))
  await host.stop()
})
