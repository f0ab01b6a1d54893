/** A plugin that cannot hand over keeps a reload from losing its state, and can be replaced without the state. */
import { expect, test } from 'bun:test'
import type { TestClock } from '../../../testing/test-clock.ts'
import { rig } from './host-rig.ts'

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
      /^reload failed, .*plugin keeper failed in handover: .*; `arkwatch plugins restart keeper` replaces the plugin without its state/,
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
    expect(await host.stop()).toEqual([])
  },
)
