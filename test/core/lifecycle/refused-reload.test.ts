/** What is in force while a reload is built and refused: the old generation, without a gap. */
import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import { type AnyPlugin, controlCommand, definePlugin, service, z } from '../../../core/plugin.ts'
import { healthCheck } from '../../../plugins/health/api.ts'
import { collector, Metrics } from '../../../plugins/metrics/api.ts'
import { type TestRuntime, testRuntime } from '../../../testing/test-runtime.ts'
import { type Context, type Parts, rig } from './host-rig.ts'

const Shop = service<object>('shop.service')
const base = { api: 1, version: '1.0.0', summary: 'A test.', config: z.strictObject({ n: z.number() }) } as const

/** Ticks while it is not suspended. */
const ticker = (ticks: { count: number }) =>
  definePlugin({
    ...{ ...base, name: 'ticker' },
    setup({ clock, config: { n } }) {
      let cancel = () => {}
      const start = () => {
        if (n === 0) cancel = clock.every(100, () => void ticks.count++)
      }
      const handover = () => {
        cancel()
        return { state: undefined, resume: start }
      }
      return { start, handover }
    },
  })

/** Its check never ends but in the first instance, so that its state is that of the first one. */
const shop = (exclusive: boolean, instances = { count: 0 }) =>
  definePlugin({
    ...{ ...base, name: 'shop', exclusive, provides: { shop: Shop } },
    setup() {
      const isFirst = instances.count++ === 0
      return {
        services: { shop: {} },
        routes: new Hono().get('/shop', (c) => c.text('open')),
        hooks: { onRequest: ({ request }) => (request.url.endsWith('/hook') ? new Response('hook') : undefined) },
        contributes: [
          controlCommand({ name: 'shop', run: () => 'shop' }),
          collector({
            name: 'shop.size',
            setup(metrics) {
              const size = metrics.gauge({ name: 'shop_size', help: 'Size.' })
              return () => size.set({}, 1)
            },
          }),
          healthCheck({
            ...{ name: 'shop.open', critical: true, groups: ['ready'] },
            run: () => (isFirst ? { status: 'up' } : new Promise<never>(() => {})),
          }),
        ],
      }
    },
  })

/** @returns what of the shop answers */
async function answers({ fetch, runtime }: TestRuntime, ticked: () => Promise<boolean>): Promise<string[]> {
  const metrics = await runtime.service(Metrics).expose()
  const found: Record<string, boolean> = {
    route: (await fetch('/shop')).ok,
    hook: (await fetch('/hook')).ok,
    service: runtime.find(Shop) !== undefined,
    command: runtime.commands().has('shop'),
    collector: /^shop_size\b.* 1$/m.test(metrics),
    ready: (await fetch('/readyz')).ok,
    timer: await ticked(),
  }
  return Object.keys(found).filter((way) => found[way])
}

const open = ['route', 'hook', 'service', 'command', 'collector', 'ready']
const away = ['route', 'hook', 'ready']
/** The instances that were suspended run again before the new ones stop. */
const [all, awayAgain] = [open, away].map((ways) => [...ways, 'timer']) as [string[], string[]]
/** `stop` comes before the new shop stops, `stopped` after that. */
const rows: { fails: string; exclusive: boolean; seen: Record<string, string[]> }[] = [
  { fails: 'start', exclusive: false, seen: { start: open, stop: all, stopped: all, after: all } },
  { fails: 'ready', exclusive: false, seen: { start: open, ready: open, stop: all, stopped: all, after: all } },
  // Of the old shop, which has stopped, the routes and hooks are in force until the next swap.
  { fails: 'start', exclusive: true, seen: { start: away, stop: awayAgain, stopped: awayAgain, after: all } },
  // The new shop is in force until the rollback stops it.
  { fails: 'ready', exclusive: true, seen: { start: away, ready: open, stop: all, stopped: awayAgain, after: all } },
]

test.each(rows)('where a reload is refused in $fails, exclusive: $exclusive, what is in force answers', async (row) => {
  const seen: Record<string, string[]> = {}
  const ticks = { count: 0 }
  const ticked = async () => {
    const before = ticks.count
    // Less than the timeout of the check that never ends.
    await booted!.clock.advance(300)
    return ticks.count - before === 3
  }
  const phase = (name: string, n: number) => async () => {
    if (n === 0 || booted === undefined) return
    seen[name] = await answers(booted, ticked)
    if (name === row.fails) throw new Error('no')
  }
  const first = definePlugin({
    ...{ ...base, name: 'first' },
    setup: ({ config: { n } }) => ({ stop: phase('stopped', n) }),
  })
  const last = definePlugin({
    ...{ ...base, name: 'last' },
    setup: ({ config: { n } }) => ({ start: phase('start', n), ready: phase('ready', n), stop: phase('stop', n) }),
  })
  const config = (n: number) => ({
    plugins: {
      metrics: {},
      host: { enabled: false },
      health: {},
      ticker: { n },
      first: { n },
      shop: { n },
      last: { n },
    },
  })
  let booted: TestRuntime | undefined
  booted = await testRuntime({
    plugins: [ticker(ticks), first, shop(row.exclusive), last] as AnyPlugin[],
    config: config(0),
  })
  await using running = booted
  await running.clock.advance(1)
  expect(await answers(running, ticked)).toEqual(all)
  await expect(running.reload(config(1))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
  seen.after = await answers(running, ticked)
  expect(seen).toEqual(row.seen)
})

test('what stopped before a plugin failed again in ready is started again where the next failure refuses the reload', async () => {
  const { host, define, section, states } = rig()
  const inherited: unknown[] = []
  const broken = (when: (config: unknown) => boolean) => ({
    setup: ({ config }: Context): Parts => ({
      ready() {
        if (when(config)) throw new Error('no')
      },
    }),
  })
  define('lock', {
    exclusive: true,
    setup(context) {
      inherited.push(context.inherited)
      return { handover: () => ({ state: 'kept', resume() {} }) }
    },
  })
  define(
    'retried',
    broken(() => true),
  )
  define(
    'last',
    broken((config) => config === 2),
  )
  const sections = (config: number) => [section('lock', config), section('retried'), section('last', config)]
  await host.boot(sections(1))
  await host.ready()
  await expect(host.reload(sections(2))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
  expect(states()).toEqual({ lock: 'ok', retried: 'failed', last: 'ok' })
  expect(inherited).toEqual([undefined, 'kept', 'kept'])
})
