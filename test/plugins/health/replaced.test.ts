/** A check that is contributed anew may look at another target: what the old one found is kept, and soon tested. */
import { expect, test } from 'bun:test'
import { definePlugin, z } from '../../../core/plugin.ts'
import { Health, healthCheck } from '../../../plugins/health/api.ts'
import health from '../../../plugins/health/index.ts'
import { testRuntime } from '../../../testing/index.ts'

type Target = 'up' | 'down'
const periodMs = 60_000

async function boot(target: Target) {
  const world = { runs: 0, target: undefined as Target | undefined }
  const named = (name: string) =>
    definePlugin({
      ...{ api: 1, name, version: '1.0.0', summary: 'Contributes a check.' },
      config: z.strictObject({ target: z.enum(['up', 'down']).default('up').describe('What the check finds.') }),
      setup({ config }) {
        const run = () => {
          if (name === 'queue') world.runs += 1
          return { status: world.target ?? config.target }
        }
        return { contributes: [healthCheck({ name, critical: true, groups: ['ready'], everyMs: periodMs, run })] }
      },
    })
  const configOf = (found: Target) => ({ plugins: { health: { jitter: 0 }, queue: { target: found }, other: {} } })
  const booted = await testRuntime({ plugins: [health, named('queue'), named('other')], config: configOf(target) })
  const { runtime, clock } = booted
  await clock.advance(1_000)
  const report = () => runtime.service(Health).checks().find(({ name }) => name === 'queue')! // biome-ignore format: one line
  const change = (found: Target) =>
    runtime.changes.apply({ plugins: { queue: { target: found } } }, { by: 'test', confirmWithinMs: periodMs / 2 })
  return {
    ...{ world, clock, runtime, booted, report, change, configOf },
    [Symbol.asyncDispose]: () => booted[Symbol.asyncDispose](),
  }
}
type Booted = Awaited<ReturnType<typeof boot>>
const opposite = (target: Target): Target => (target === 'up' ? 'down' : 'up')

const ways: Record<string, (at: Booted, to: Target) => Promise<unknown>> = {
  'a plugin that a reload replaces': ({ booted, configOf }, to) => booted.reload(configOf(to)),
  'a plugin that is restarted': ({ runtime, world }, to) => {
    world.target = to
    return runtime.restart('queue')
  },
  'a plugin that is gone for 20 s': async ({ booted, configOf, clock }, to) => {
    await booted.reload({ plugins: { health: { jitter: 0 }, queue: { enabled: false }, other: {} } })
    await clock.advance(20_000)
    await booted.reload(configOf(to))
  },
}

for (const [who, replace] of Object.entries(ways))
  test.each(['up', 'down'] as const)(
    `the check of ${who}, %s before, keeps its state and runs at once`,
    async (from) => {
      await using at = await boot(from)
      await replace(at, opposite(from))
      expect([at.report().status, at.world.runs]).toEqual([from, 1])
      expect((await at.booted.fetch('/readyz')).status).toBe(from === 'up' ? 200 : 503)
      await at.clock.advance(100)
      expect([at.report().status, at.world.runs]).toEqual([opposite(from), 2])
      await at.clock.advance(periodMs)
      expect(at.world.runs).toBe(3)
    },
  )

test.each([
  ['down', 'rolled-back', 'the check queue is down'],
  ['up', 'awaiting-confirmation', ''],
] as const)('a change to a target that is %s is %s', async (to, state, reason) => {
  await using at = await boot('up')
  await at.change(to)
  await at.clock.advance(1_000)
  const latest = () => at.runtime.changes.history[0]!
  // A rollback writes files.
  while (latest().state !== state) await new Promise(setImmediate)
  expect(latest()).toMatchObject({ reason })
  await at.clock.advance(1_000)
  expect(at.report().status).toBe('up')
})

test('other plugins that come and go do not put off a check', async () => {
  await using at = await boot('up')
  for (let round = 0; round < 4; round += 1) {
    await at.runtime.restart('other')
    await at.clock.advance(periodMs / 2)
  }
  expect(at.world.runs).toBe(3)
})
