/** A shutdown that arrives at any moment of a reload stops every instance, also those that the swap has not published. */
import { describe, expect, test } from 'bun:test'
import { type Parts, rig } from './host-rig.ts'

const specs = {
  base: { provides: ['base'], exclusive: true },
  user: { needs: ['base'], provides: ['user'] },
  kept: { reconfigures: true },
  leaf: { needs: ['user'], wants: ['base'] },
} as const
const names = Object.keys(specs)

/** Boots, and reloads with a call to `stop` at a step: the start or the end of a phase of an instance. */
async function reloaded(stopAt: number, failing: string | undefined) {
  const { host, define, section } = rig()
  const made: { name: string; open: number; stops: string[] }[] = []
  let steps = Number.NEGATIVE_INFINITY
  let stopped: Promise<unknown> | undefined
  const step = () => {
    steps += 1
    if (steps === stopAt) stopped = host.stop()
  }
  /** A phase that goes on in later turns, and opens something in its last. */
  const phase = async (of: (typeof made)[number], opens = 0) => {
    step()
    await null
    step()
    await Promise.resolve().then(() => {})
    of.open += opens
  }
  for (const [name, spec] of Object.entries(specs))
    define(name, {
      ...(spec as object),
      setup({ config }) {
        const one = { name, open: 0, stops: [] as string[] }
        made.push(one)
        const parts: Parts = {
          start: () => phase(one, 1),
          async ready() {
            await phase(one)
            if (name === failing && config === 2) throw new Error('not ready')
          },
          async handover() {
            await phase(one, -1)
            return { state: 'kept', resume: () => phase(one, 1) }
          },
          async stop(reason) {
            one.stops.push(reason)
            step()
            await null
            one.open = 0
          },
        }
        return 'reconfigures' in spec ? { ...parts, reconfigure: () => phase(one, 1) } : parts
      },
    })
  const sections = (config: number) => names.map((name) => section(name, config))
  await host.boot(sections(1))
  await host.ready()
  steps = 0
  const outcome = await host.reload(sections(2)).then(
    () => 'reloaded',
    ({ code }) => code as string,
  )
  const isOver = stopped !== undefined
  await stopped
  if (!isOver) await host.stop()
  return { made, outcome, steps }
}

describe.each([undefined, 'base', 'leaf'])('where the ready of %p fails', async (failing) => {
  const { steps, outcome } = await reloaded(Number.NaN, failing)
  test('the reload takes many steps', () => {
    expect(steps).toBeGreaterThan(20)
    expect(outcome).toBe(failing === undefined ? 'reloaded' : 'RELOAD_FAILED')
  })
  test.each(Array.from({ length: steps }, (_, at) => at + 1))('at step %d', async (at) => {
    const { made, outcome } = await reloaded(at, failing)
    for (const one of made) expect({ ...one, stops: one.stops.length }).toEqual({ name: one.name, open: 0, stops: 1 })
    expect(['reloaded', 'RELOAD_FAILED', 'RELOAD_BUSY']).toContain(outcome)
  })
})

test('after a stop a reload is refused and builds nothing', async () => {
  const { host, define, section, trace } = rig()
  define('one')
  await host.boot([section('one')])
  await host.stop()
  expect(await host.reload([section('one', 2)]).catch(({ code }) => code)).toBe('RELOAD_BUSY')
  expect(trace).toEqual(['start one', 'stop one shutdown'])
})
