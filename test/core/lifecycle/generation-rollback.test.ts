import { describe, expect, test } from 'bun:test'
import type { TestClock } from '../../../testing/test-clock.ts'
import { numbers, type Parts, rig } from './host-rig.ts'

/** What the reload does to a plugin; `exclusive` ones are replaced, and stop before their successor starts. */
const changes = ['same', 'reconfigured', 'replaced', 'exclusive'] as const
type Change = (typeof changes)[number]
const phases = ['start', 'ready', 'reconfigure'] as const
type Phase = (typeof phases)[number]

/** In start order: each needs or wants the service of the one before; `last` stands alone. */
const names = ['provider', 'dependent', 'leaf', 'last'] as const
type Name = (typeof names)[number]
const needed: Partial<Record<Name, Name>> = { dependent: 'provider', leaf: 'dependent' }

interface Instance {
  readonly id: string
  readonly name: Name
  readonly inherited: unknown
  /** The id of the instance whose service this one holds. */
  readonly holds: unknown
  config: unknown
  alive: boolean
  ready: boolean
  resumed: number
  stops: string[]
}

interface Row {
  readonly change: Readonly<Record<Name, Change>>
  readonly failing: Name
  readonly phase: Phase
}

/** Whether the reload builds a new instance: of a plugin that is replaced, or that holds a service of a replaced one. */
const isReplaced = (row: Row, name: Name): boolean => {
  const provider = needed[name]
  return ['replaced', 'exclusive'].includes(row.change[name]) || (provider !== undefined && isReplaced(row, provider))
}
/** Whether the reload had come to the plugin when the failure happened. */
const isReached = ({ failing, phase }: Row, name: Name): boolean =>
  phase === 'ready' || names.indexOf(name) <= names.indexOf(failing)
/** Whether the rollback rebuilds the old instance: of a plugin that had to stop, or that holds a service of a rebuilt one. */
const isRebuilt = (row: Row, name: Name): boolean => {
  const provider = needed[name]
  return (
    (row.change[name] === 'exclusive' && isReached(row, name)) || (provider !== undefined && isRebuilt(row, provider))
  )
}

const rows: [Change, Change, Name, Phase, Row][] = changes.flatMap((provider) =>
  changes.flatMap((dependent) =>
    names.flatMap((failing) =>
      phases
        .map((phase): Row => ({ change: { provider, dependent, leaf: 'same', last: 'replaced' }, failing, phase }))
        .filter((row) =>
          row.phase === 'reconfigure'
            ? row.change[failing] === 'reconfigured' && !isReplaced(row, failing)
            : isReplaced(row, failing),
        )
        .map((row): [Change, Change, Name, Phase, Row] => [provider, dependent, failing, row.phase, row]),
    ),
  ),
)

/** Boots a host with the four plugins and config 1, and records their instances. */
async function running({ change, failing, phase }: Row) {
  const at = rig()
  const instances: Instance[] = []
  const broken = { value: false }
  const alive = (name: Name) => instances.filter((each) => each.name === name && each.alive)
  const fails = (name: Name, where: Phase) => {
    if (broken.value && name === failing && where === phase) throw new Error('no')
  }
  for (const name of names) {
    const provider = needed[name]
    at.define(name, {
      provides: name === 'last' ? [] : [name],
      ...(provider && (name === 'leaf' ? { wants: [provider] } : { needs: [provider] })),
      exclusive: change[name] === 'exclusive',
      setup({ config, inherited, needs, wants }) {
        const number = instances.filter((each) => each.name === name).length + 1
        const id = `${name}#${number}`
        const held = provider && { ...needs, ...wants }[provider]
        const self: Instance = {
          ...{ id, name, config, inherited, holds: held, alive: false, ready: false, resumed: 0, stops: [] },
        }
        instances.push(self)
        const parts: Parts = {
          services: name === 'last' ? {} : { [name]: id },
          contributes: [numbers(id)],
          start() {
            if (change[name] === 'exclusive') expect(alive(name)).toEqual([])
            if (number === 2) fails(name, 'start')
            self.alive = true
          },
          ready() {
            if (number === 2) fails(name, 'ready')
            self.ready = true
          },
          handover: () => ({
            state: `state of ${id}`,
            resume() {
              self.resumed += 1
            },
          }),
          stop(reason) {
            self.alive = false
            self.stops.push(reason)
          },
        }
        if (change[name] !== 'reconfigured') return parts
        return {
          ...parts,
          reconfigure(next) {
            if (next === 2) fails(name, 'reconfigure')
            self.config = next
          },
        }
      },
    })
  }
  const sections = (config: number) =>
    names.map((name) => at.section(name, change[name] === 'same' ? 1 : config, { required: config === 2 }))
  await at.host.boot(sections(1))
  await at.host.ready()
  const contributed = () => at.live.all.map(({ value }) => value).sort()
  return { ...at, instances, alive, broken, sections, contributed }
}

test('the table has a row for every neighbour', () => {
  expect(rows.length).toBeGreaterThan(60)
})

test.each(rows)(
  'provider %s, dependent %s: %s fails in %s, and everything is as before',
  async (_provider, _dependent, _failing, _phase, row) => {
    const { host, instances, alive, broken, sections, states, contributed, clock } = await running(row)
    broken.value = true
    await expect(host.reload(sections(2))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    expect(states()).toEqual({ provider: 'ok', dependent: 'ok', leaf: 'ok', last: 'ok' })
    expect(host.status().filter(({ required }) => required)).toEqual([])
    for (const name of names) {
      const [now, ...others] = alive(name)
      const first = instances.find((each) => each.name === name)!
      const isPaused = isReplaced(row, name) && isReached(row, name)
      const rebuilt = isRebuilt(row, name)
      expect({ name, ...now, others, stops: first.stops }).toEqual({
        ...{ name, config: 1, alive: true, ready: true, others: [] },
        id: rebuilt ? now!.id : first.id,
        holds: needed[name] && alive(needed[name])[0]!.id,
        inherited: rebuilt ? `state of ${first.id}` : undefined,
        resumed: isPaused && !rebuilt ? 1 : 0,
        stops: rebuilt ? ['reload'] : [],
      })
      expect(host.service(name)).toBe(name === 'last' ? undefined : now!.id)
      // What the reload had built is taken down as a failure.
      const built = instances.filter((each) => each.name === name && each !== first && each !== now)
      expect(built.map(({ stops }) => stops)).toEqual(isPaused ? [['failed']] : [])
    }
    expect(contributed()).toEqual(names.map((name) => alive(name)[0]!.id).sort())

    broken.value = false
    await host.reload(sections(2))
    for (const name of names)
      expect(alive(name).map(({ config }) => config)).toEqual([row.change[name] === 'same' ? 1 : 2])
    expect(contributed()).toEqual(names.map((name) => alive(name)[0]!.id).sort())
    expect(await host.stop()).toEqual([])
    expect(names.flatMap(alive)).toEqual([])
    expect(clock.pending).toBe(0)
  },
)

test('a provider that cannot start again leaves its dependents blocked, and none with a service that is gone', async () => {
  const { host, define, section, states, reasons } = rig()
  let starts = 0
  define('provider', {
    ...{ provides: ['s'], exclusive: true },
    setup: () => ({
      start() {
        starts += 1
        if (starts > 1) throw new Error('no')
      },
    }),
  })
  define('dependent', { needs: ['s'] })
  await host.boot([section('provider'), section('dependent')])
  await expect(host.reload([section('provider', 2), section('dependent')])).rejects.toMatchObject({
    code: 'RELOAD_FAILED',
    message: expect.stringMatching(
      /: no; plugin provider was ok and is failed: .*no; plugin dependent was ok and is blocked: needs the service s/,
    ),
  })
  expect(states()).toEqual({ provider: 'failed', dependent: 'blocked' })
  expect(reasons().dependent).toBe('needs the service s, which is not available')
  expect(await host.stop()).toEqual([])
})

/** Moves the clock on until the reload has ended, for 30 s at most. */
async function ended(clock: TestClock, reload: Promise<unknown>) {
  for (let turn = 0; turn < 30 && Bun.peek.status(reload) === 'pending'; turn += 1) await clock.advance(1_000)
  return (await reload) as { readonly code: string; readonly message: string }
}

test('a handover that is late fails the reload, and its work is resumed when it comes', async () => {
  const { host, define, section, states, clock } = rig()
  const suspended = Promise.withResolvers<void>()
  const resumed: string[] = []
  define('slow', {
    setup: () => ({
      async handover() {
        await suspended.promise
        return { state: 1, resume: () => void resumed.push('slow') }
      },
    }),
  })
  await host.boot([section('slow')])
  const reload = host.reload([section('slow', 2)]).catch((error) => error)
  expect((await ended(clock, reload)).message).toContain('plugin slow did not finish handover within 5000 ms')
  await clock.advance(600_000)
  expect(states()).toEqual({ slow: 'degraded' })
  suspended.resolve()
  await clock.advance(0)
  expect(resumed).toEqual(['slow'])
  expect(states()).toEqual({ slow: 'ok' })
})

test('an exclusive plugin that hung in stop is started again by the rollback', async () => {
  const { host, define, section, states, clock } = rig()
  const started: unknown[] = []
  define('lock', {
    exclusive: true,
    setup: ({ config }) => ({
      start() {
        started.push(config)
        if (config === 2) throw new Error('no')
      },
      stop: () => (started.length === 1 ? new Promise(() => {}) : undefined),
    }),
  })
  await host.boot([section('lock')])
  const reload = host.reload([section('lock', 2)]).catch((error) => error)
  expect((await ended(clock, reload)).code).toBe('RELOAD_FAILED')
  expect({ started, states: states() }).toEqual({ started: [1, 2, 1], states: { lock: 'ok' } })
  expect(await host.stop()).toEqual([])
})

test('the holders of an exclusive plugin hand over and stop before it, in the reload and in its rollback', async () => {
  for (const failing of ['', 'leaf']) {
    const { host, define, section } = rig()
    const seen: string[] = []
    const open = new Map<string, boolean>()
    const spec = {
      provider: { provides: ['provider'], exclusive: true },
      user: { needs: ['provider'], provides: ['user'] },
      leaf: { wants: ['user'] },
    }
    for (const [name, each] of Object.entries(spec))
      define(name, {
        ...each,
        setup({ config, inherited, needs, wants }) {
          const id = `${name}${config}`
          const service = {
            get isOpen() {
              return open.get(id) === true
            },
          }
          const held = Object.values({ ...needs, ...wants })[0] as typeof service | undefined
          const note = (phase: string) =>
            seen.push(`${phase} ${id}${held === undefined || held.isOpen ? '' : ' WITH A STOPPED SERVICE'}`)
          return {
            services: 'provides' in each ? { [name]: service } : {},
            start() {
              note(`start with ${inherited}`)
              open.set(id, true)
              if (config === 2 && name === failing) throw new Error('no')
            },
            handover() {
              note('handover')
              return { state: 'kept', resume() {} }
            },
            stop() {
              note('stop')
              open.set(id, false)
            },
          }
        },
      })
    const sections = (config: number) => Object.keys(spec).map((name) => section(name, config))
    await host.boot(sections(1))
    await host.reload(sections(2)).catch(() => {})
    const down = ['leaf', 'user', 'provider'].flatMap((name) => [`handover ${name}1`, `stop ${name}1`])
    const up = (config: number) => Object.keys(spec).map((name) => `start with kept ${name}${config}`)
    const back = failing === '' ? [] : ['stop leaf2', 'stop user2', 'stop provider2', ...up(1)]
    expect(seen.slice(3)).toEqual([...down, ...up(2), ...back])
    await host.stop()
  }
})

test('a plugin whose handover hangs is not stopped, nor is the exclusive plugin whose service it holds', async () => {
  const { host, define, section, states, clock, trace } = rig()
  const inherited: unknown[] = []
  define('provider', { provides: ['s'], exclusive: true })
  define('broken', {
    setup: ({ config }) => ({
      start() {
        if (config === 2) throw new Error('no')
      },
    }),
  })
  define('dependent', {
    wants: ['s'],
    setup(context) {
      inherited.push(context.inherited)
      return { handover: () => new Promise<never>(() => {}) }
    },
  })
  const sections = (config: number) => [section('provider', config), section('broken', config), section('dependent')]
  await host.boot(sections(1))
  const reload = host.reload(sections(2)).catch((error) => error)
  expect((await ended(clock, reload)).code).toBe('RELOAD_FAILED')
  expect(states()).toEqual({ provider: 'ok', broken: 'ok', dependent: 'degraded' })
  expect({ inherited, trace }).toEqual({
    inherited: [undefined],
    trace: ['start provider', 'start broken', 'start dependent'],
  })
})

test('a resume that hangs ends the rollback at its deadline, as a fault', async () => {
  const { host, define, section, states, clock } = rig()
  define('hangs', { setup: () => ({ handover: () => ({ state: 1, resume: () => new Promise<never>(() => {}) }) }) })
  define('last', {
    setup: ({ config }) => ({
      start() {
        if (config === 2) throw new Error('no')
      },
    }),
  })
  await host.boot([section('hangs'), section('last')])
  const reload = host.reload([section('hangs', 2), section('last', 2)]).catch((error) => error)
  expect((await ended(clock, reload)).code).toBe('RELOAD_FAILED')
  expect(states()).toEqual({ hangs: 'degraded', last: 'ok' })
})

describe('a step of the rollback that fails keeps its plugin degraded', () => {
  const steps: Readonly<Record<string, (fail: () => void) => Parts>> = {
    'resume throws': (fail) => ({ handover: () => ({ state: 1, resume: () => fail() }) }),
    'resume rejects': (fail) => ({ handover: () => ({ state: 1, resume: async () => fail() }) }),
    'reconfigure with the old config throws': (fail) => ({ reconfigure: (next) => (next === 1 ? fail() : undefined) }),
  }
  test.each(Object.entries(steps))('where %s, until it is replaced', async (step, parts) => {
    const isSuspended = step.startsWith('resume')
    const { host, define, section, states, reasons, clock } = rig()
    let fails = true
    const fail = () => {
      if (fails) throw new Error('stuck')
    }
    define('stuck', { setup: () => parts(fail) })
    define('last', {
      setup: ({ config }) => ({ start: () => (config === 2 ? Promise.reject(new Error('no')) : undefined) }),
    })
    const sections = (config: number) => [section('stuck', config), section('last', config)]
    await host.boot(sections(1))
    await expect(host.reload(sections(2))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    await clock.advance(600_000)
    expect(states()).toEqual({ stuck: 'degraded', last: 'ok' })
    expect(reasons().stuck).toContain('stuck; `arkwatch plugins restart stuck` replaces the plugin')
    fails = false
    // The same step restores it where it succeeds: in another rollback, or in a reload to the old config.
    if (isSuspended) await expect(host.reload(sections(2))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    else expect(await host.reload(sections(1))).toContainEqual(expect.objectContaining({ action: 'reconfigure' }))
    await clock.advance(600_000)
    expect(states()).toEqual({ stuck: 'ok', last: 'ok' })
    fails = true
    await expect(host.reload(sections(2))).rejects.toMatchObject({ code: 'RELOAD_FAILED' })
    fails = false
    await host.restart('stuck')
    await clock.advance(600_000)
    expect(states()).toEqual({ stuck: 'ok', last: 'ok' })
  })
})
