import { describe, expect, test } from 'bun:test'
import type { PluginSection } from '../../core/config/types.ts'
import { ExtensionRegistry } from '../../core/extensions.ts'
import { Host } from '../../core/host.ts'
import { LogHub, type LogRecord } from '../../core/log.ts'
import {
  type AnyPlugin,
  definePlugin,
  extensionPoint,
  type PluginContext,
  type PluginParts,
  service,
  z,
} from '../../core/plugin.ts'
import type { TokenMap } from '../../core/token.ts'
import { createWorkers } from '../../core/workers.ts'
import { recordingSink } from '../../testing/recording-sink.ts'
import { testClock } from '../../testing/test-clock.ts'

type Context = PluginContext<unknown, TokenMap, TokenMap>
type Parts = PluginParts<unknown, TokenMap>
interface Spec {
  provides?: string[]
  needs?: string[]
  wants?: string[]
  exclusive?: boolean
  packages?: string[]
  setup?(context: Context): Parts
}
const tokens = (ids: string[] = []) => Object.fromEntries(ids.map((id) => [id, service<unknown>(id)]))
const numbers = extensionPoint<unknown>('test.numbers')

function rig() {
  const clock = testClock()
  const lines: LogRecord[] = []
  const hub = new LogHub(clock, recordingSink(lines))
  const registry = new ExtensionRegistry()
  const trace: string[] = []
  const definitions = new Map<string, AnyPlugin>()
  let paused = false
  const host = new Host({
    host: {
      clock,
      registry,
      workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, hub.logger('core')),
      environment: 'production',
      dataDir: '/nowhere',
      logger: (name) => hub.logger(name),
      paused: () => paused,
    },
    builtins: new Map(),
    swapped: () => {},
    hookMs: () => 0,
  })
  const define = (name: string, spec: Spec = {}): void => {
    definitions.set(
      name,
      definePlugin({
        api: 1,
        name,
        version: '1.0.0',
        summary: 'A test.',
        config: z.unknown(),
        provides: tokens(spec.provides),
        needs: tokens(spec.needs),
        wants: tokens(spec.wants),
        exclusive: spec.exclusive ?? false,
        packages: spec.packages ?? [],
        setup: (context) => {
          const parts = spec.setup?.(context as Context) ?? {}
          return {
            services: Object.fromEntries(
              (spec.provides ?? []).map((id) => [id, `${id} of ${JSON.stringify(context.config)}`]),
            ),
            ...parts,
            async start() {
              trace.push(`start ${name}`)
              await parts.start?.()
            },
            async stop(reason) {
              trace.push(`stop ${name} ${reason}`)
              await parts.stop?.(reason)
            },
          }
        },
      }) as AnyPlugin,
    )
  }
  const section = (name: string, config: unknown = 1, more: Partial<PluginSection> = {}): PluginSection => ({
    name,
    definition: definitions.get(name)!,
    required: false,
    config,
    ...more,
  })
  const states = () => Object.fromEntries(host.status().map(({ name, state }) => [name, state]))
  const reasons = () => Object.fromEntries(host.status().map(({ name, reason }) => [name, reason]))
  const live = registry.of(numbers)
  return {
    ...{ clock, lines, host, define, section, states, reasons, trace, live },
    pause: (value: boolean) => {
      paused = value
    },
  }
}

describe('booting', () => {
  test('starts providers first, publishes after start, and stops in reverse', async () => {
    const { host, define, section, trace, states } = rig()
    const seen: unknown[] = []
    define('user', {
      needs: ['s'],
      wants: ['none'],
      setup: ({ needs, wants }) => ({ start: () => void seen.push({ needs, wants }) }),
    })
    define('provider', { provides: ['s'] })
    await host.boot([section('user'), section('provider')])
    expect(seen[0]).toEqual({ needs: { s: 's of 1' }, wants: { none: undefined } })
    expect(states()).toEqual({ provider: 'ok', user: 'ok' })
    await host.stop()
    expect(trace).toEqual(['start provider', 'start user', 'stop user shutdown', 'stop provider shutdown'])
    expect(states()).toEqual({ provider: 'stopped', user: 'stopped' })
  })

  const failures: [string, Spec, string, string][] = [
    ['throws in setup', { setup: () => { throw new Error('no') } }, 'failed in setup: no', 'PLUGIN_FAILED'], // biome-ignore format: one row
    ['throws in start', { setup: () => ({ start: () => { throw new Error('no') } }) }, 'failed in start: no', 'PLUGIN_FAILED'], // biome-ignore format: one row
    [
      'returns other services',
      { provides: ['s'], setup: () => ({ services: { t: 1 } }) },
      'declares the services [s] and returned [t]',
      'PLUGIN_SERVICES_MISMATCH',
    ],
    [
      'misses a package',
      { packages: ['surely-not-installed'] },
      'run `bun add surely-not-installed`',
      'PACKAGE_MISSING',
    ],
  ]
  for (const [what, spec, reason, code] of failures) {
    test(`leaves a plugin that ${what} failed, its holders blocked, and runs the rest`, async () => {
      const { host, define, section, states, reasons, lines } = rig()
      define('bad', { provides: ['s'], ...spec })
      define('holder', { needs: ['s'] })
      define('other')
      await host.boot([section('bad'), section('holder'), section('other')])
      expect(states()).toEqual({ bad: 'failed', holder: 'blocked', other: 'ok' })
      expect(reasons().bad).toContain(reason)
      expect(lines.map(({ fields }) => (fields?.error as { code?: string })?.code)).toContain(code)
      expect(reasons().holder).toBe('needs the service s, which is not available')
    })
  }

  test('names the plugin and the phase that hang', async () => {
    const { host, define, section, reasons, clock, lines } = rig()
    define('slow', { setup: () => ({ start: () => new Promise(() => {}) }) })
    const boot = host.boot([section('slow')])
    await clock.advance(10_000)
    await boot
    expect(reasons().slow).toBe('plugin slow did not finish start within 10000 ms')
    expect(lines.at(-1)?.fields?.error).toMatchObject({ code: 'PLUGIN_TIMEOUT' })
  })

  test('ends where a required plugin fails or is blocked, with everything stopped', async () => {
    for (const required of ['bad', 'holder']) {
      const { host, define, section, trace } = rig()
      define('first')
      define('bad', { provides: ['s'], setup: () => ({ start: () => Promise.reject(new Error('no')) }) })
      define('holder', { needs: ['s'] })
      const sections = ['first', 'bad', 'holder'].map((name) => section(name, 1, { required: name === required }))
      await expect(host.boot(sections)).rejects.toMatchObject({
        code: 'PLUGIN_REQUIRED_FAILED',
        details: { plugin: required },
      })
      expect(trace).toContain('stop first failed')
    }
  })

  test('undoes what a failed start had opened, last in first out', async () => {
    const { host, define, section, clock } = rig()
    const undone: number[] = []
    define('bad', {
      setup: ({ defer, clock: timers }) => ({
        start: () => {
          timers.every(1_000, () => {})
          defer(() => void undone.push(1))
          defer(() => void undone.push(2))
          throw new Error('no')
        },
      }),
    })
    await host.boot([section('bad')])
    expect(undone).toEqual([2, 1])
    expect(clock.pending).toBe(0)
  })

  test('leaves a disabled plugin disabled with its reason, and its holders blocked', async () => {
    const { host, define, section, states, reasons } = rig()
    define('off', { provides: ['s'] })
    define('holder', { needs: ['s'] })
    await host.boot([section('off', 1, { disabled: 'no url is configured' }), section('holder')])
    expect(states()).toEqual({ off: 'disabled', holder: 'blocked' })
    expect(reasons().off).toBe('no url is configured')
  })
})

describe('running', () => {
  test('a timer that throws is counted, turns its plugin degraded for a minute, and goes on', async () => {
    const { host, define, section, clock } = rig()
    let ticks = 0
    define('noisy', {
      setup: ({ clock: timers }) => ({
        start: () => {
          timers.every(1_000, () => {
            ticks += 1
            if (ticks === 1) throw new Error('once')
            if (ticks === 2) return Promise.reject(new Error('twice'))
          })
        },
      }),
    })
    await host.boot([section('noisy')])
    await clock.advance(3_000)
    expect(host.status()[0]).toMatchObject({ state: 'degraded', errors: 2, reason: 'a timer threw: twice' })
    await clock.advance(61_000)
    expect(host.status()[0]).toMatchObject({ state: 'ok', errors: 2, reason: '' })
    expect(ticks).toBe(64)
    await host.stop()
    expect(clock.pending).toBe(0)
  })

  test('monitoring timers stand still while paused, others do not', async () => {
    const { host, define, section, clock, pause } = rig()
    const ticks = { monitoring: 0, other: 0 }
    define('watcher', {
      setup: ({ clock: timers }) => ({
        start: () => {
          timers.every(1_000, () => void ticks.monitoring++, { monitoring: true })
          timers.every(1_000, () => void ticks.other++)
        },
      }),
    })
    pause(true)
    await host.boot([section('watcher')])
    await clock.advance(3_000)
    pause(false)
    await clock.advance(2_000)
    expect(ticks).toEqual({ monitoring: 2, other: 5 })
  })

  test('what a plugin reports shows in its status', async () => {
    const { host, define, section } = rig()
    let context: Context | undefined
    define('p', { setup: (given) => { context = given; return {} } }) // biome-ignore format: one line
    await host.boot([section('p')])
    context!.report('degraded', 'slow disk')
    expect(host.status()[0]).toMatchObject({ state: 'degraded', reason: 'slow disk' })
    context!.report('ok')
    expect(host.status()[0]).toMatchObject({ state: 'ok', reason: '' })
  })

  test('a fault that is forgotten leaves what the plugin itself reports', async () => {
    const { host, define, section, clock } = rig()
    let context: Context | undefined
    define('p', { setup: (given) => { context = given; return {} } }) // biome-ignore format: one line
    await host.boot([section('p')])
    context!.report('degraded', 'slow disk')
    context!.clock.after(1, () => { throw new Error('once') }) // biome-ignore format: one line
    await clock.advance(1)
    expect(host.status()[0]).toMatchObject({ state: 'degraded', reason: 'a timer threw: once' })
    await clock.advance(60_000)
    expect(host.status()[0]).toMatchObject({ state: 'degraded', reason: 'slow disk' })
    await host.stop()
    expect(clock.pending).toBe(0)
  })

  test('a plugin that does not stop in time is named, left behind, and the rest stops', async () => {
    const { host, define, section, trace, clock, states } = rig()
    define('first')
    define('hangs', { setup: () => ({ stop: () => new Promise(() => {}) }) })
    await host.boot([section('first'), section('hangs')])
    const stop = host.stop()
    await clock.advance(5_000)
    expect(await stop).toEqual(['hangs'])
    expect(states()).toEqual({ first: 'stopped', hangs: 'failed' })
    expect(trace).toContain('stop first shutdown')
  })
})

describe('reloading', () => {
  test('leaves untouched plugins alone, reconfigures in place and replaces the rest with its state handed over', async () => {
    const { host, define, section, trace } = rig()
    const inherited: unknown[] = []
    define('same')
    define('flexible', { setup: () => ({ reconfigure: (next) => void trace.push(`reconfigure ${next}`) }) })
    define('rigid', {
      setup: (context) => {
        inherited.push(context.inherited)
        return { handover: () => ({ state: `state of ${context.config}`, resume: () => void trace.push('resume') }) }
      },
    })
    await host.boot([section('same'), section('flexible'), section('rigid')])
    trace.length = 0
    await host.reload([section('same'), section('flexible', 2), section('rigid', 2)])
    expect(trace).toEqual(['reconfigure 2', 'start rigid', 'stop rigid reload'])
    expect(inherited).toEqual([undefined, 'state of 1'])
  })

  test('swaps contributions in one turn: their owner never sees none and never sees two', async () => {
    const { host, define, section, live } = rig()
    define('giver', { setup: ({ config }) => ({ contributes: [numbers(config)] }) })
    await host.boot([section('giver', 1)])
    const seen: unknown[] = []
    live.onChange(() => seen.push(live.all.map(({ value }) => value)))
    await host.reload([section('giver', 2)])
    expect(seen).toEqual([[2]])
    await host.reload([])
    expect(live.all).toEqual([])
  })

  const failing: Record<string, (config: unknown) => Parts> = {
    setup: () => {
      throw new Error('bad')
    },
    start: () => ({ start: () => Promise.reject(new Error('bad')) }),
    ready: () => ({ ready: () => Promise.reject(new Error('bad')) }),
  }
  for (const [phase, parts] of Object.entries(failing)) {
    for (const exclusive of [false, true]) {
      test(`goes back when ${phase} of ${exclusive ? 'an exclusive' : 'a'} successor fails: old services and contributions are there again`, async () => {
        const { host, define, section, live, states, trace } = rig()
        define('early', { setup: () => ({ reconfigure: (next) => void trace.push(`early ${next}`) }) })
        define('p', {
          provides: ['s'],
          exclusive,
          setup: ({ config, inherited }) => ({
            contributes: [numbers(config)],
            handover: () => ({ state: 'kept', resume: () => void trace.push('resumed') }),
            ...(config === 2 ? parts(config) : {}),
            ...(exclusive && config === 1 && inherited
              ? { start: () => void trace.push(`again with ${inherited}`) }
              : {}),
          }),
        })
        define('holder', { needs: ['s'] })
        await host.boot([section('early'), section('p'), section('holder')])
        const reload = host.reload([section('early', 2), section('p', 2), section('holder')])
        await expect(reload).rejects.toMatchObject({ code: 'RELOAD_FAILED', message: expect.stringContaining('bad') })
        expect(states()).toEqual({ early: 'ok', p: 'ok', holder: 'ok' })
        expect(host.service('s')).toBe('s of 1')
        expect(live.all.map(({ value }) => value)).toEqual([1])
        expect(trace).toContain(exclusive ? 'again with kept' : 'resumed')
        expect(trace.filter((line) => line.startsWith('early'))).toEqual(['early 2', 'early 1'])
        expect(await host.stop()).toEqual([])
      })
    }
  }

  test('an exclusive plugin stops before its successor starts', async () => {
    const { host, define, section, trace } = rig()
    define('p', { exclusive: true })
    await host.boot([section('p')])
    await host.reload([section('p', 2)])
    expect(trace).toEqual(['start p', 'stop p reload', 'start p'])
  })

  test('a plugin that had failed is tried again, and may fail again without undoing the rest', async () => {
    const { host, define, section, states } = rig()
    let broken = true
    define('flaky', { setup: () => ({ start: () => (broken ? Promise.reject(new Error('no')) : undefined) }) })
    define('other')
    await host.boot([section('flaky'), section('other')])
    await host.reload([section('flaky'), section('other', 2)])
    expect(states()).toEqual({ flaky: 'failed', other: 'ok' })
    broken = false
    await host.reload([section('flaky'), section('other', 2)])
    expect(states()).toEqual({ flaky: 'ok', other: 'ok' })
  })

  test('a provider that goes takes its holders to blocked, and back when it comes again', async () => {
    const { host, define, section, states } = rig()
    define('p', { provides: ['s'] })
    define('holder', { needs: ['s'] })
    await host.boot([section('p'), section('holder')])
    await host.reload([section('p', 1, { disabled: 'off' }), section('holder')])
    expect(states()).toEqual({ p: 'disabled', holder: 'blocked' })
    await host.reload([section('p'), section('holder')])
    expect(states()).toEqual({ p: 'ok', holder: 'ok' })
  })

  test('a thousand reloads leave no timer behind', async () => {
    const { host, define, section, clock } = rig()
    define('p', { setup: ({ clock: timers }) => ({ start: () => void timers.every(60_000, () => {}) }) })
    await host.boot([section('p', 0)])
    for (let round = 1; round <= 1_000; round += 1) await host.reload([section('p', round)])
    expect(clock.pending).toBe(1)
    await host.stop()
    expect(clock.pending).toBe(0)
  })
})
