/** A `reconfigure` that passes its deadline: the plugin never runs with another configuration than the one in force. */
import { expect, test } from 'bun:test'
import { rig } from './host-rig.ts'

type Rig = ReturnType<typeof rig>

/** Moves the clock on until the reload has failed. */
async function failed({ clock }: Rig, reload: Promise<unknown>) {
  const outcome = reload.then(
    () => 'done',
    ({ code, message }) => `${code}: ${message}`,
  )
  for (let turn = 0; turn < 60 && Bun.peek.status(outcome) === 'pending'; turn += 1) await clock.advance(1_000)
  return outcome
}

/** @param slow the config that the plugin takes late, when `pending` resolves */
function slowPlugin({ define }: Rig, slow: number, ends: 'resolves' | 'rejects' | 'never') {
  const pending = Promise.withResolvers<void>()
  const state = { inForce: 0, setups: 0 }
  define('slow', {
    provides: ['s'],
    setup({ config, inherited }) {
      state.inForce = config as number
      state.setups += 1
      return {
        services: { s: `${state.setups} after ${inherited}` },
        handover: () => ({ state: 'memory', resume() {} }),
        async reconfigure(next) {
          if (next === slow) await (ends === 'never' ? new Promise(() => {}) : pending.promise)
          state.inForce = next as number
        },
      }
    },
  })
  const end = () => (ends === 'rejects' ? pending.reject(new Error('late')) : pending.resolve())
  return { state, end }
}

for (const ends of ['resolves', 'rejects', 'never'] as const)
  for (const when of ['before the stop', 'after the stop'] as const) {
    test(`the reload is rolled back to a new instance with the old config, where the late call ${ends} ${when}`, async () => {
      const at = rig()
      const { host, define, section, clock, states, lines } = at
      const { state, end } = slowPlugin(at, 2, ends)
      const held: unknown[] = []
      define('holder', { needs: ['s'], setup: ({ needs }) => ({ start: () => void held.push(needs.s) }) })
      await host.boot([section('slow'), section('holder')])
      await host.ready()
      const reload = host.reload([section('slow', 2), section('holder')])
      if (when === 'before the stop') clock.after(10_500, end)
      expect(await failed(at, reload)).toContain('plugin slow did not finish reconfigure within 10000 ms')
      expect(states()).toEqual({ slow: 'ok', holder: 'ok' })
      expect(state).toEqual({ inForce: 1, setups: 2 })
      expect(held).toEqual(['1 after undefined', '2 after memory'])
      expect(lines.map(({ message }) => message)).toContain(
        'plugin slow is started again with its old configuration: its reconfigure was late',
      )
      const steps = await host.reload([section('slow'), section('holder')])
      expect(steps.map(({ action }) => action)).toEqual(['untouched', 'untouched'])
      end()
      await clock.advance(0)
      expect(await host.stop()).toEqual([])
      expect(clock.pending).toBe(0)
    })
  }

test('a rollback that is late in giving the old config back starts the plugin again with that config', async () => {
  const at = rig()
  const { host, define, section, states } = at
  const { state } = slowPlugin(at, 1, 'never')
  define('last', {
    setup: ({ config }) => ({ start: () => (config === 2 ? Promise.reject(new Error('no')) : undefined) }),
  })
  await host.boot([section('slow'), section('last')])
  const reload = host.reload([section('slow', 2), section('last', 2)])
  expect(await failed(at, reload)).toContain('RELOAD_FAILED')
  expect(states()).toEqual({ slow: 'ok', last: 'ok' })
  expect(state).toEqual({ inForce: 1, setups: 2 })
  expect((await host.reload([section('slow'), section('last')])).map(({ action }) => action)).not.toContain('replace')
})
