/** The log tells of each change of a plugin's state, and a flapping plugin cannot flood it. */
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { StateLog } from '../../../../core/lifecycle/state/state-log.ts'
import { testClock } from '../../../../testing/test-clock.ts'
import { type Context, rig } from '../host-rig.ts'

/** A rig with one plugin, and the lines about states since the last call. */
async function reporter() {
  const at = rig()
  let context: Context | undefined
  at.define('a', {
    setup(given) {
      context = given
      return {}
    },
  })
  await at.host.boot([at.section('a')])
  let seen = 0
  const lines = () => {
    const found = at.lines
      .slice(seen)
      .filter(({ message }) => / is (ok again|degraded|blocked)/.test(message))
      .map(({ level, message, fields }) => [level, message, fields])
    seen = at.lines.length
    return found
  }
  return { ...at, report: context!.report, clock: at.clock, context: context!, told: lines }
}

test('a plugin that is degraded by its report and ok again is logged, once for each state and reason', async () => {
  const { report, told, clock } = await reporter()
  report('ok')
  expect(told()).toEqual([])
  report('degraded', 'the disk is full')
  report('degraded', 'the disk is full')
  expect(told()).toEqual([['warn', 'plugin a is degraded', { reason: 'the disk is full' }]])
  await clock.advance(60_000)
  report('degraded', 'the disk is gone')
  expect(told()).toEqual([['warn', 'plugin a is degraded', { reason: 'the disk is gone' }]])
  await clock.advance(60_000)
  report('ok')
  expect(told()).toEqual([['info', 'plugin a is ok again', {}]])
})

test('a fault and the end of its minute are logged', async () => {
  const { context, told, clock } = await reporter()
  context.clock.after(1, () => {
    throw new Error('bad')
  })
  await clock.advance(1)
  expect(told()).toEqual([['warn', 'plugin a is degraded', { reason: expect.stringContaining('threw: bad') }]])
  await clock.advance(60_000)
  expect(told()).toEqual([['info', 'plugin a is ok again', {}]])
})

test('a plugin that is blocked at boot is logged, and not again while the reason stays', async () => {
  const { host, define, section, lines, states } = rig()
  const fail = () => {
    throw new Error('bad')
  }
  define('a', { provides: ['a'], setup: () => ({ start: fail }) })
  define('b', { needs: ['a'] })
  const blocked = () => lines.filter(({ message }) => message.startsWith('plugin b is blocked'))
  await host.boot([section('a'), section('b')])
  expect(states()).toEqual({ a: 'failed', b: 'blocked' })
  const message = 'plugin b is blocked: needs the service a, which is not available'
  expect(blocked()).toMatchObject([{ level: 'warn', logger: 'b', message }])
  await host.reload([section('a'), section('b')])
  expect(states()).toEqual({ a: 'failed', b: 'blocked' })
  expect(blocked()).toHaveLength(1)
})

test('a flapping plugin gets at most one line a minute, which counts the changes without a line', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(50_000), fc.constantFrom(undefined, 'x', 'y')), { maxLength: 60 }),
      async (changes) => {
        const clock = testClock()
        const lines: { atMs: number; reason: unknown; leftOut: number }[] = []
        const write = (_: string, { reason, leftOut = 0 }: { reason?: unknown; leftOut?: number } = {}) =>
          void lines.push({ atMs: clock.monotonic(), reason, leftOut })
        const log = new StateLog('a', clock, { info: write, warn: write } as never)
        for (const [waitMs, reason] of changes) {
          await clock.advance(waitMs)
          log.changed(reason)
        }
        await clock.advance(60_000)
        const gaps = lines.slice(1).map(({ atMs }, at) => atMs - lines[at]!.atMs)
        expect(gaps.every((gap) => gap >= 60_000)).toBe(true)
        expect(lines.reduce((sum, { leftOut }) => sum + leftOut + 1, 0)).toBe(changes.length)
        expect(lines.at(-1)?.reason).toBe(changes.at(-1)?.[1])
        expect(clock.pending).toBe(0)
      },
    ),
  )
})

test('a plugin that stops leaves no timer of its state', async () => {
  const { report, host, clock } = await reporter()
  report('degraded', 'x')
  report('ok')
  expect(clock.pending).toBe(1)
  await host.stop()
  expect(clock.pending).toBe(0)
})
