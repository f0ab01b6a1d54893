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
async function reloaded(stopAt: number, failing: string | undefined, failingPhase: string) {
  const { host, define, section } = rig()
  const made: { name: string; open: number; stops: string[]; uses: unknown[] }[] = []
  /** Instances that were open as a provider of theirs stopped, or as the shutdown had ended. */
  const late: string[] = []
  let steps = Number.NEGATIVE_INFINITY
  let stopped: Promise<unknown> | undefined
  const step = () => {
    steps += 1
    if (steps !== stopAt) return
    stopped = host.stop().then(() => {
      for (const { name, open } of made) if (open !== 0) late.push(`${name} at the end`)
    })
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
      setup({ config, needs }) {
        const one = { name, open: 0, stops: [] as string[], uses: Object.values(needs) }
        made.push(one)
        const failAt = (at: string) => {
          if (name === failing && at === failingPhase && config === 2) throw new Error('not today')
        }
        const parts: Parts = {
          services: 'provides' in spec ? { [name]: one } : {},
          async start() {
            await phase(one, 1)
            failAt('start')
          },
          async ready() {
            await phase(one)
            failAt('ready')
          },
          async handover() {
            await phase(one, -1)
            return { state: 'kept', resume: () => phase(one, 1) }
          },
          async stop(reason) {
            one.stops.push(reason)
            for (const { name: user, open, uses } of made)
              if (open > 0 && uses.includes(one)) late.push(`${user} as ${name} stopped`)
            step()
            // Flushes, which takes longer than a phase of its neighbours.
            for (let turn = 0; turn < 20; turn += 1) await null
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
  return { made, outcome, steps, late }
}

describe.each([
  [undefined, 'ready'],
  ['base', 'ready'],
  ['leaf', 'ready'],
  ['leaf', 'start'],
] as const)('where %p fails in %s', async (failing, phase) => {
  const { steps, outcome } = await reloaded(Number.NaN, failing, phase)
  test('the reload takes many steps', () => {
    expect(steps).toBeGreaterThan(20)
    expect(outcome).toBe(failing === undefined ? 'reloaded' : 'RELOAD_FAILED')
  })
  test.each(Array.from({ length: steps }, (_, at) => at + 1))('at step %d', async (at) => {
    const { made, outcome, late } = await reloaded(at, failing, phase)
    for (const { name, open, stops } of made) expect([name, open, stops.length]).toEqual([name, 0, 1])
    expect(late).toEqual([])
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
