/** What an instance opens through its context after its end: refused, or undone at once, however the instance ended. */
import { describe, expect, test } from 'bun:test'
import { task } from '../../../core/contract/tasks.ts'
import { yieldToLoop } from '../../../core/process/clock.ts'
import { type Context, numbers, type Parts, rig } from './host-rig.ts'

const never = () => new Promise<never>(() => {})
const broken = () => {
  throw new Error('broken')
}
const thread = new URL('../process/fixtures/serving.ts', import.meta.url)

/** The functions of the context and of what they return, by path; an instance of a class is not entered. */
function functionsOf(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, member]) => {
    if (typeof member === 'function') return [`${path}${key}`]
    const isPlain = typeof member === 'object' && Object.getPrototypeOf(member) === Object.prototype
    return isPlain ? functionsOf(member, `${path}${key}.`) : []
  })
}

/** What each function of the context does after the end. `left` receives what must not happen. */
const uses: Readonly<Record<string, (context: Context, left: (what: string) => void) => unknown>> = {
  pluginDataDir: ({ dataDir }) => expect(dataDir).toBe('/nowhere'),
  extensions: ({ extensions }, left) => expect(extensions(numbers).onChange(() => left('a listener'))).not.toThrow(),
  contribute: ({ contribute }) => expect(contribute(numbers('late'))).not.toThrow(),
  'clock.now': ({ clock }) => expect(clock.now()).toBeNumber(),
  'clock.monotonic': ({ clock }) => expect(clock.monotonic()).toBeNumber(),
  'clock.after': ({ clock }, left) => expect(clock.after(1, () => left('a timer'))).not.toThrow(),
  'clock.every': ({ clock }, left) => {
    for (const options of [{}, { immediate: true }, { monitoring: true }])
      expect(clock.every(1, () => left('a period'), options)).not.toThrow()
  },
  'clock.sleep': ({ clock }, left) => void clock.sleep(1).then(() => left('a sleep')),
  'workers.run': async ({ workers }) => {
    const late = workers.run(task('late.task', thread), 1)
    await expect(late).rejects.toThrow('plugin mine stops')
  },
  'workers.dedicated': ({ workers }) => expect(() => workers.dedicated('late', thread)).toThrow('plugin mine stops'),
  defer: ({ defer }, left) => {
    const undone: string[] = []
    defer(() => void undone.push('once'))
    if (undone.length !== 1) left('an undo')
    defer(broken)
    const again = () => defer(again)
    defer(again)
    const later = async () => {
      await undefined
      defer(later)
    }
    defer(later)
  },
  report: ({ report }) => report('degraded', 'late'),
  ...Object.fromEntries(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'isEnabled', 'child'].map((name) => [
      `log.${name}`,
      ({ log }: Context) => Reflect.apply(Reflect.get(log, name) as () => unknown, log, ['a late line']),
    ]),
  ),
}

type Host = ReturnType<typeof rig>
interface End {
  parts?(context: Context): Parts
  /** Ends the instance, which runs but where its boot ended the instance. */
  by?(rig: Host): Promise<unknown>
}

const off: End['by'] = ({ host, section }) => host.reload([section('mine', 1, { disabled: 'off' })])
const replaced: End['by'] = ({ host, section }) => host.reload([section('mine', 2), section('last', 2)])
const setups = (phase: 'start' | 'ready', call: () => unknown): End => ({ parts: () => ({ [phase]: call }) })

/** Each way in which an instance ends. */
const ends: Readonly<Record<string, End>> = {
  'is disabled': { by: off },
  'is replaced': { by: replaced },
  'stops with the runtime': { by: ({ host }) => host.stop() },
  'fails in setup': { parts: broken },
  'fails in start': setups('start', broken),
  'is late in start': setups('start', never),
  'fails in ready': setups('ready', broken),
  'is late in ready': setups('ready', never),
  'fails in stop': { parts: () => ({ stop: broken }), by: off },
  'is late in stop': { parts: () => ({ stop: never }), by: off },
  'has an undo that fails': { parts: ({ defer }) => ({ start: () => defer(broken) }), by: off },
  'has an undo that never ends': { parts: ({ defer }) => ({ start: () => defer(never) }), by: off },
  'has an undo that registers itself': {
    parts({ defer }) {
      const again = () => defer(again)
      return { start: again }
    },
    by: off,
  },
}

/** Moves the clock on until the work has ended, for a minute at most. */
async function ended({ clock }: Pick<Host, 'clock'>, work: Promise<unknown>) {
  for (let turn = 0; turn < 60 && Bun.peek.status(work) === 'pending'; turn += 1) await clock.advance(1_000)
  await work
}

describe('after an instance', () => {
  test.each(Object.entries(ends))('%s, each function of its context opens nothing', async (_, { parts, by }) => {
    const at = rig()
    const left: string[] = []
    const note = (what: string) => void left.push(what)
    let context!: Context
    const undone: string[] = []
    let isOver = false
    at.define('mine', {
      setup(given) {
        // The successor is another instance.
        if (given.config !== 1) return {}
        context = given
        // The earliest undo, behind one that hangs; and what runs at the end.
        given.defer(() => void undone.push('first'))
        given.clock.every(1_000, () => (isOver ? note('an earlier period') : undefined))
        void given.clock.sleep(600_000).then(() => note('an earlier sleep'))
        return parts?.(given) ?? {}
      },
    })
    at.define('last')
    await ended(
      at,
      at.host.boot([at.section('mine'), at.section('last')]).then(() => at.host.ready()),
    )
    if (by !== undefined) await ended(at, by(at))
    expect(undone).toEqual(['first'])
    isOver = true
    await yieldToLoop()
    expect(context.signal.aborted).toBe(true)

    expect(functionsOf(context).sort()).toEqual(Object.keys(uses).sort())
    for (const use of Object.values(uses)) await use(context, note)
    await at.clock.advance(3_600_000)
    expect(left).toEqual([])
    expect(at.clock.pending).toBe(0)
    expect(at.live.all).toEqual([])
    const noted = at.lines.filter(({ message }) => message.includes('mine continues after its end'))
    expect(noted.map(({ level }) => level)).toEqual(['debug'])
    expect(await at.host.stop()).toEqual([])
  })

  test('was replaced while its poll was in progress, the poll is not armed again', async () => {
    const { host, define, section, clock } = rig()
    const polls: unknown[] = []
    let read = Promise.withResolvers<void>()
    define('mine', {
      setup({ clock: timers, config }) {
        const poll = async () => {
          polls.push(config)
          await read.promise
          timers.after(500, poll)
        }
        return { start: () => void timers.after(500, poll) }
      },
    })
    await host.boot([section('mine', 1)])
    for (let config = 2; config <= 5; config += 1) {
      await clock.advance(500)
      await host.reload([section('mine', config)])
      read.resolve()
      read = Promise.withResolvers()
    }
    expect(polls).toEqual([1, 2, 3, 4])
    await clock.advance(500)
    await host.reload([])
    read.resolve()
    await clock.advance(60_000)
    expect(polls).toEqual([1, 2, 3, 4, 5])
    expect(clock.pending).toBe(0)
  })
})
