import { describe, expect, test } from 'bun:test'
import type { TestClock } from '../../../testing/test-clock.ts'
import { type Context, numbers, type Parts, rig } from './host-rig.ts'

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

  test.each([
    ['another plugin gets no state', 'other', undefined],
    ['the same plugin of another file gets the state', 'queue', 'state of 1'],
  ])('%s under the same name', async (_, name, expected) => {
    const { host, define, section } = rig()
    const inherited: unknown[] = []
    const setup = ({ config, inherited: state }: Context) => {
      inherited.push(state)
      return { handover: () => ({ state: `state of ${config}`, resume() {} }) }
    }
    define('queue', { setup })
    const before = section('queue')
    define(name, { setup })
    await host.boot([before])
    await host.reload([{ ...section(name), name: 'queue' }])
    expect(inherited).toEqual([undefined, expected])
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

  test('a fault of a contribution is counted for its plugin, and never degrades the successor of the instance', async () => {
    const { host, define, section, live, lines } = rig()
    define('giver', { setup: ({ config }) => ({ contributes: [numbers(config)] }) })
    await host.boot([section('giver', 1)])
    const [old] = live.all
    await host.reload([section('giver', 2)])
    old!.fault(new Error('late'))
    expect(host.status()[0]).toMatchObject({ state: 'ok', errors: 1 })
    expect(lines.map(({ message }) => message)).toContain('a contribution to test.numbers of plugin giver threw')
    live.all[0]!.fault(new Error('bad'))
    live.all[0]!.fault(new Error('bad'))
    const reason = 'a contribution to test.numbers threw: bad'
    expect(host.status()[0]).toMatchObject({ state: 'degraded', errors: 3, reason })
    expect(lines.filter(({ fields }) => (fields?.error as Error | undefined)?.message === 'bad')).toHaveLength(1)
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

/** Moves the clock on until the reload has ended, for 30 s at most. */
async function ended(clock: TestClock, reload: Promise<unknown>) {
  for (let turn = 0; turn < 30 && Bun.peek.status(reload) === 'pending'; turn += 1) await clock.advance(1_000)
  return (await reload) as { readonly code: string; readonly message: string }
}

test.each<[string, () => Promise<never>]>([
  [
    'throws',
    () => {
      throw new Error('no')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
  ['returns no handover', () => 5 as never],
  ['hangs', () => new Promise(() => {})],
])(
  'a handover that %s is a fault that refuses a reload, and a restart continues without the state',
  async (_, handover) => {
    const { host, define, section, states, clock } = rig()
    const seen: unknown[] = []
    let fails = false
    define('keeper', {
      setup({ inherited }) {
        seen.push(inherited)
        return { start: () => (fails ? Promise.reject(new Error('down')) : undefined), handover }
      },
    })
    const settled = async (work: Promise<unknown>) =>
      await ended(
        clock,
        work.catch((error) => error),
      )
    await host.boot([section('keeper')])
    expect((await settled(host.reload([section('keeper', 2)]))).message).toMatch(
      /^reload failed, .*plugin keeper failed in handover: .*; without its state the plugin is replaced by `arkwatch plugins restart keeper` with/,
    )
    expect(host.status()).toMatchObject([{ state: 'degraded', errors: 1 }])
    fails = true
    expect((await settled(host.restart('keeper'))).message).toContain('down')
    expect(states()).toEqual({ keeper: 'degraded' })
    fails = false
    expect(await settled(host.restart('keeper'))).toMatchObject([{ plugin: 'keeper', action: 'replace' }])
    expect(states()).toEqual({ keeper: 'ok' })
    // The refused reload, one restart that failed in `start` too, and one that succeeded.
    expect(host.status()).toMatchObject([{ errors: 4 }])
    expect(seen).toEqual([undefined, undefined, undefined])
    // Disabled, and enabled with the new configuration.
    await settled(host.reload([]))
    await settled(host.reload([section('keeper', 2)]))
    expect(states()).toEqual({ keeper: 'ok' })
    expect(await host.stop()).toEqual([])
  },
)
