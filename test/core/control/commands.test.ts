import { expect, test } from 'bun:test'
import { definePlugin, z } from '../../../core/plugin.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

const reloads = {
  reload: {},
  'plugins.restart': { plugin: 'slow' },
  'config.apply': { patch: { plugins: { slow: { to: 2 } } } },
}

/** Holds each start until it is released. */
async function boot() {
  let held = Promise.resolve()
  const slow = definePlugin({
    ...{ api: 1, name: 'slow', version: '1.0.0', summary: 'Starts slowly.' },
    config: z.strictObject({ to: z.number().default(1).describe('A number.') }),
    setup: () => ({ start: () => held }),
  })
  const at = await testRuntime({ plugins: [slow] })
  const gate = Promise.withResolvers<void>()
  held = gate.promise
  return { at, release: gate.resolve, first: at.runtime.restart('slow') }
}

test.each(Object.entries(reloads))('%s waits for a reload in progress', async (name, args) => {
  const { at, release, first } = await boot()
  let isOver = false
  const command = Promise.resolve(at.runtime.commands().get(name)!.run(args)).finally(() => {
    isOver = true
  })
  await at.clock.advance(1_000)
  expect(isOver).toBe(false)
  release()
  await first
  while (!isOver) {
    await at.clock.advance(250)
    await new Promise(setImmediate)
  }
  expect(await command).toMatchObject({})
  await at.stop()
})

test.each(Object.entries(reloads))('%s is refused once Arkwatch stops, and keeps no timer', async (name, args) => {
  const { at, release, first } = await boot()
  const command = Promise.resolve(at.runtime.commands().get(name)!.run(args)).catch(({ code }) => code)
  await at.clock.advance(1_000)
  const stopped = at.stop()
  release()
  await first.catch(() => {})
  await stopped
  expect(await command).toBe('RELOAD_BUSY')
  expect(at.clock.pending).toBe(0)
})
