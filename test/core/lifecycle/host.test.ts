import { describe, expect, test } from 'bun:test'
import { type Context, rig, type Spec } from './host-rig.ts'

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
      expect(lines.at(-1)).toMatchObject({
        logger: 'holder',
        message: 'plugin holder is blocked: needs the service s, which is not available',
      })
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

  test('monitoring timers stand still while paused, others do not, and go on at once', async () => {
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
    expect(ticks).toEqual({ monitoring: 0, other: 3 })
    pause(false)
    await clock.advance(0)
    expect(ticks).toEqual({ monitoring: 1, other: 3 })
    await clock.advance(2_000)
    expect(ticks).toEqual({ monitoring: 3, other: 5 })
    pause(true)
    await clock.advance(1_500)
    await host.stop()
    pause(false)
    await clock.advance(5_000)
    expect([ticks.monitoring, clock.pending]).toEqual([3, 0])
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

  test('a plugin whose ready ends with an error because the plugin stops is stopped once', async () => {
    const { host, define, section, trace, states } = rig()
    const waiting = Promise.withResolvers<void>()
    const stopping = Promise.withResolvers<void>()
    define('waits', {
      setup: ({ signal }) => ({
        ready: () =>
          new Promise<void>((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
            waiting.resolve()
          }),
        stop: () => stopping.promise,
      }),
    })
    const booted = host.boot([section('waits')]).then(() => host.ready())
    await waiting.promise
    const stopped = host.stop()
    stopping.resolve()
    await Promise.all([booted, stopped])
    expect(trace.filter((each) => each.startsWith('stop'))).toEqual(['stop waits shutdown'])
    expect(states()).toEqual({ waits: 'stopped' })
  })
})
