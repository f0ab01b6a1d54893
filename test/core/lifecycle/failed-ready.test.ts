/** A plugin that fails in `ready` is treated as one that fails in `start`: by its holders, and by every later reload. */
import { describe, expect, test } from 'bun:test'
import { rig } from './host-rig.ts'

const phases = ['start', 'ready'] as const
const failing = (phase: 'start' | 'ready', fails: () => boolean) => ({
  [phase]() {
    if (fails()) throw new Error('no')
  },
})

async function boot({ host }: ReturnType<typeof rig>, sections: Parameters<typeof host.boot>[0]) {
  await host.boot(sections)
  await host.ready()
}

describe.each(phases)('a plugin that failed in %s', (phase) => {
  for (const exclusive of [false, true])
    test(`fails no later reload, and is tried again by each one${exclusive ? ' (exclusive)' : ''}`, async () => {
      const at = rig()
      const { host, define, section, states, trace } = at
      let broken = true
      define('flaky', { exclusive, setup: () => failing(phase, () => broken) })
      define('other')
      await boot(at, [section('flaky'), section('other')])
      expect(states()).toEqual({ flaky: 'failed', other: 'ok' })
      for (let config = 2; config < 5; config += 1) {
        const steps = await host.reload([section('flaky'), section('other', config)])
        expect(steps[0]).toMatchObject({ plugin: 'flaky', action: 'add', reason: 'was not running, but failed' })
        expect(states()).toEqual({ flaky: 'failed', other: 'ok' })
      }
      await host.restart('other')
      await host.restart('flaky')
      expect(states()).toEqual({ flaky: 'failed', other: 'ok' })
      broken = false
      await host.reload([section('flaky'), section('other', 4)])
      expect(states()).toEqual({ flaky: 'ok', other: 'ok' })
      trace.length = 0
      await host.stop()
      expect(trace).toEqual(['stop other shutdown', 'stop flaky shutdown'])
    })

  test('still fails a reload that changes its configuration', async () => {
    const at = rig()
    at.define('flaky', { setup: () => failing(phase, () => true) })
    await boot(at, [at.section('flaky')])
    await expect(at.host.reload([at.section('flaky', 2)])).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    expect(at.states()).toEqual({ flaky: 'failed' })
  })

  test('leaves those blocked that need its service, and without it those that only want it, over every reload', async () => {
    const at = rig()
    const { host, define, section, states, reasons, trace, clock } = at
    let broken = true
    const held: unknown[] = []
    const ready: string[] = []
    const own = (name: string) => ({ ready: () => void ready.push(name) })
    define('first', { setup: () => own('first') })
    define('provider', {
      provides: ['s'],
      setup: () => ({ services: { s: 'alive' }, ...failing(phase, () => broken) }),
    })
    define('needs', { needs: ['s'], provides: ['t'], setup: () => own('needs') })
    define('chain', { needs: ['t'], setup: () => own('chain') })
    define('wants', {
      wants: ['s'],
      setup: ({ wants }) => ({ ...own('wants'), start: () => void held.push(wants.s) }),
    })
    define('other', { setup: () => own('other') })
    const sections = (config: number) => [
      ...['first', 'provider', 'needs', 'chain', 'wants'].map((name) => section(name)),
      section('other', config),
    ]
    const up = { first: 'ok', wants: 'ok', other: 'ok' } as const
    const down = { ...up, provider: 'failed', needs: 'blocked', chain: 'blocked' } as const
    await boot(at, sections(1))
    for (let config = 2; config < 4; config += 1) {
      expect(states()).toEqual(down)
      expect(reasons()).toMatchObject({
        needs: 'needs the service s, which is not available',
        chain: 'needs the service t, which is not available',
      })
      expect(held.at(-1)).toBeUndefined()
      expect(ready.filter((name) => ['needs', 'chain'].includes(name))).toEqual([])
      expect(ready.at(-1)).toBe('other')
      expect([host.service('s'), host.service('t')]).toEqual([undefined, undefined])
      await host.reload(sections(config))
    }
    expect(states()).toEqual(down)
    broken = false
    await host.reload(sections(3))
    expect(new Set(Object.values(states()))).toEqual(new Set(['ok']))
    expect(held.at(-1)).toBe('alive')
    await host.stop()
    expect(clock.pending).toBe(0)
    const count = (what: string) => trace.filter((line) => line.startsWith(what)).length
    expect(count('start')).toBe(count('stop'))
  })

  test('ends the boot where a required plugin needs its service', async () => {
    const at = rig()
    at.define('provider', { provides: ['s'], setup: () => failing(phase, () => true) })
    at.define('holder', { needs: ['s'] })
    const booting = boot(at, [at.section('provider'), at.section('holder', 1, { required: true })])
    await expect(booting).rejects.toMatchObject({ code: 'PLUGIN_REQUIRED_FAILED', details: { plugin: 'holder' } })
    await at.host.stop()
    expect(at.trace.filter((line) => line.startsWith('start')).length).toBe(
      at.trace.filter((line) => line.startsWith('stop')).length,
    )
  })

  test('in a rollback leaves its holders blocked', async () => {
    const at = rig()
    let made = 0
    at.define('provider', {
      ...{ provides: ['s'], exclusive: true },
      setup: ({ config }) => {
        made += 1
        return failing(phase, () => made > 1 || config === 2)
      },
    })
    at.define('holder', { needs: ['s'] })
    await boot(at, [at.section('provider'), at.section('holder')])
    const reload = at.host.reload([at.section('provider', 2), at.section('holder')])
    await expect(reload).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    expect(at.states()).toEqual({ provider: 'failed', holder: 'blocked' })
  })

  test('is rolled back where it ran before, also an exclusive one that is restarted or holds a changed service', async () => {
    for (const how of ['restart', 'reload'] as const) {
      const at = rig()
      const { host, define, section, states } = at
      let made = 0
      define('provider', { provides: ['s'] })
      define('lock', {
        ...{ exclusive: true, wants: ['s'] },
        setup() {
          made += 1
          return failing(phase, () => made === 2)
        },
      })
      await boot(at, [section('provider'), section('lock')])
      const change = how === 'restart' ? host.restart('lock') : host.reload([section('provider', 2), section('lock')])
      await expect(change).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
      expect(states()).toEqual({ provider: 'ok', lock: 'ok' })
    }
  })
})

test('one that fails in ready stops after those that need it, the last started first', async () => {
  const at = rig()
  const { define, section, trace, states } = at
  define('base', { provides: ['base'], setup: () => failing('ready', () => true) })
  define('user', { wants: ['base'], provides: ['user'] })
  define('leaf', { needs: ['user', 'base'] })
  await boot(
    at,
    ['base', 'user', 'leaf'].map((name) => section(name)),
  )
  expect(states()).toEqual({ base: 'failed', user: 'ok', leaf: 'blocked' })
  expect(trace.slice(3)).toEqual(['stop leaf reload', 'stop user reload', 'start user', 'stop base failed'])
})
