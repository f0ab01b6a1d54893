import { expect, test } from 'bun:test'
import { definePlugin } from '../../core/contract/definition.ts'
import { Runtime, z } from '../../core/plugin.ts'
import { systemClock } from '../../core/process/clock.ts'
import { testRuntime } from '../../testing/test-runtime.ts'

test.each(['reload', 'restart', 'apply'])('during the boot a %s is refused: nothing is started twice', async (what) => {
  const started: string[] = []
  const outcomes: unknown[] = []
  const slow = (name: string) =>
    definePlugin({
      ...{ api: 1, name, version: '1.0.0', summary: 'Starts slowly.', config: z.strictObject({}) },
      needs: { runtime: Runtime },
      setup: ({ needs, clock }) => ({
        async start() {
          started.push(name)
          const { runtime } = needs
          const asked = {
            reload: () => runtime.reload(),
            restart: () => runtime.restart('one'),
            apply: () => runtime.changes.apply({}, { by: 'a test' }),
          }
          outcomes.push(await asked[what as keyof typeof asked]().catch(({ code }: { code: string }) => code))
          await clock.sleep(0)
        },
      }),
    })
  const clock = systemClock
  const running = await testRuntime({
    clock,
    plugins: [slow('one'), slow('two')],
    config: { plugins: { one: {}, two: {} } },
  })
  expect({ started, outcomes: new Set(outcomes) }).toEqual({
    started: ['one', 'two'],
    outcomes: new Set(['RELOAD_BUSY']),
  })
  await running.stop()
  await expect(
    running.runtime.listen({ name: 'late', host: '127.0.0.1', port: 0, fetch: () => new Response() } as never),
  ).rejects.toMatchObject({ code: 'RELOAD_BUSY' })
})
