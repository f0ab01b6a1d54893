/** The counts of a plugin belong to its name: none falls or starts anew when an instance replaces another. */
import { describe, expect, test } from 'bun:test'
import { fail } from '../../../support/hostile.ts'
import { numbers, rig } from '../host-rig.ts'

const bad = (phase: string) => () => fail(new Error(`bad ${phase}`))

/** A plugin of which each instance fails once in a timer, and in the phase that its config names. */
async function running(exclusive: boolean) {
  const at = rig()
  at.define('flaky', {
    exclusive,
    setup: ({ config, clock }) => ({
      contributes: [numbers(config)],
      start() {
        clock.after(1, bad('timer'))
        if (config === 'start') fail(new Error('bad start'))
      },
      ...(config === 'ready' && { ready: bad('ready') }),
      ...(config === 'stop' && { stop: bad('stop') }),
      ...(String(config).startsWith('reconfigure') && { reconfigure: bad('reconfigure') }),
    }),
  })
  const { host, section, clock } = at
  const reload = (config: unknown, more = {}) => host.reload([section('flaky', config, more)])
  const refused = (config: unknown) => expect(reload(config)).rejects.toThrow(/old configuration stays: .*bad/)
  const errors = () => host.status()[0]?.errors
  // Each look at the clock takes a millisecond, so that timers cost time.
  let ms = 0
  Object.assign(clock, { monotonic: () => ms++ })
  const timer = () => clock.advance(1)
  return { ...at, reload, refused, errors, timer }
}
type Running = Awaited<ReturnType<typeof running>>

/** With the errors that it adds. */
const steps: Readonly<Record<string, readonly [added: number, step: (at: Running) => unknown]>> = {
  'is replaced': [0, ({ reload }) => reload(2)],
  'is replaced and fails again': [1, ({ reload, timer }) => reload(2).then(timer)],
  'is restarted and fails again': [1, ({ host, timer }) => host.restart('flaky').then(timer)],
  'has a successor that fails in start': [1, ({ refused }) => refused('start')],
  'has a successor that fails in ready': [1, ({ refused }) => refused('ready')],
  'is disabled and enabled': [
    1,
    async ({ reload, errors, timer }) => {
      await reload(1, { disabled: 'off' })
      expect(errors()).toBe(1)
      await reload(1)
      await timer()
    },
  ],
  'is taken out and named again': [
    1,
    async ({ host, reload, errors, timer }) => {
      await host.reload([])
      expect(errors()).toBeUndefined()
      await reload(1)
      await timer()
    },
  ],
  'refuses a configuration': [1, ({ reload, refused }) => reload('reconfigure').then(() => refused('reconfigure 2'))],
  'fails in stop': [1, ({ reload }) => reload('stop').then(() => reload(2))],
  'has an old instance that fails late': [
    1,
    async ({ live, reload }) => {
      const [old] = live.all
      await reload(2)
      old!.fault(new Error('late'))
    },
  ],
}

describe.each([false, true])(
  'the errors of a plugin (exclusive: %p) stay counted, and further ones are added, where it',
  (exclusive) => {
    test.each(Object.entries(steps))('%s', async (_, [added, step]) => {
      const at = await running(exclusive)
      await at.host.boot([at.section('flaky')])
      await at.host.ready()
      await at.timer()
      expect(at.errors()).toBe(1)
      const { cpuMs } = at.host.status()[0]!
      expect(cpuMs).toBeGreaterThan(0)
      await step(at)
      expect(at.errors()).toBe(1 + added)
      expect(at.host.status()[0]!.cpuMs).toBeGreaterThanOrEqual(cpuMs)
    })
  },
)
