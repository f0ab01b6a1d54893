import { describe, expect, test } from 'bun:test'
import type { PluginClock } from '../../../core/contract/definition.ts'
import type { CheckResult } from '../../../plugins/health/api.ts'
import { maxAbandoned } from '../../../plugins/health/checks/check-runner.ts'
import { HealthEngine } from '../../../plugins/health/engine.ts'
import { down, engineOf, hung, spec, up } from './support.ts'

describe('running checks', () => {
  test('a check runs at once and then once a period, and answers come from memory with their age', async () => {
    let runs = 0
    const { clock, engine, check } = engineOf([spec('a', () => ({ status: 'up', message: `run ${++runs}` }))])
    expect(check('a')).toMatchObject({ status: 'unknown', observedAtMs: undefined, stale: false })
    engine.start()
    await clock.advance(0)
    expect(check('a')).toMatchObject({ status: 'up', message: 'run 1', observedAtMs: clock.now() })
    await clock.advance(9_999)
    expect(runs).toBe(1)
    await clock.advance(1)
    expect(runs).toBe(2)
    for (let at = 0; at < 100; at += 1) engine.checks()
    expect(runs).toBe(2)
  })

  test('a run that takes longer than the timeout is down, and its late result is ignored', async () => {
    const late = Promise.withResolvers<CheckResult>()
    let aborted = false
    let closed = 0
    const { clock, engine, check } = engineOf([
      spec(
        'a',
        (signal) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason.code === 'HEALTH_TIMEOUT'
          })
          return late.promise
        },
        { close: () => closed++ },
      ),
    ])
    engine.start()
    await clock.advance(1_999)
    expect(check('a').status).toBe('unknown')
    await clock.advance(1)
    expect(check('a')).toMatchObject({ status: 'down', message: 'no answer within 2000 ms', latencyMs: 2_000 })
    expect([aborted, closed, engine.abandoned]).toEqual([true, 1, 1])
    late.resolve({ status: 'up', message: 'late' })
    await clock.advance(100)
    expect(check('a').message).toBe('no answer within 2000 ms')
    expect(engine.abandoned).toBe(0)
  })

  test('a check whose runs never end is started three times and no more (HEALTH_ABANDONED)', async () => {
    let runs = 0
    const { clock, engine, check } = engineOf([
      spec('a', () => {
        runs += 1
        return new Promise(() => {})
      }),
    ])
    engine.start()
    await clock.advance(120_000)
    expect([runs, engine.abandoned]).toEqual([maxAbandoned, maxAbandoned])
    expect(check('a')).toMatchObject({
      status: 'down',
      message: '3 earlier runs still hang, no further run starts',
    })
  })

  test('what throws is down with the message, without credentials, and the check goes on', async () => {
    let fail = true
    const { clock, engine, check, lines } = engineOf([
      spec(
        'a',
        () => {
          if (fail) throw new Error('cannot reach redis://:canary@host with canary')
          return { status: 'up' }
        },
        { secrets: ['canary'] },
      ),
    ])
    engine.start()
    await clock.advance(0)
    expect(check('a')).toMatchObject({ status: 'down' })
    expect(JSON.stringify([engine.checks(), lines])).not.toContain('canary')
    fail = false
    await clock.advance(10_000)
    expect(check('a').status).toBe('up')
    expect(lines.map(({ message }) => message)).toEqual(['check is down', 'check is up'])
  })

  test('an up that took longer than degradedAbove is degraded', async () => {
    const { clock, engine, check } = engineOf([
      spec('a', () => ({ status: 'up', latencyMs: 80 }), { degradedAboveMs: 50 }),
    ])
    engine.start()
    await clock.advance(0)
    expect(check('a')).toMatchObject({ status: 'degraded', message: 'took 80 ms, over 50 ms' })
  })

  test('an initial delay puts off the first run', async () => {
    const { clock, engine, check } = engineOf([spec('a', up, { initialDelayMs: 5_000 })])
    engine.start()
    await clock.advance(4_999)
    expect(check('a').status).toBe('unknown')
    await clock.advance(1)
    expect(check('a').status).toBe('up')
  })

  test('jitter makes periods shorter and never longer', async () => {
    let runs = 0
    const { clock, engine } = engineOf([spec('a', () => ({ status: 'up', message: `${++runs}` }))], {
      maxConcurrent: 1,
      jitter: 0.2,
    })
    engine.start()
    await clock.advance(0)
    await clock.advance(8_999)
    expect(runs).toBe(1)
    await clock.advance(1)
    expect(runs).toBe(2)
  })

  test('no more checks than allowed run at one time, and hung ones give their place back', async () => {
    let running = 0
    let most = 0
    const slow = async (): Promise<CheckResult> => {
      most = Math.max(most, ++running)
      await clock.sleep(1_000)
      running -= 1
      return { status: 'up' }
    }
    const names = ['c', 'd', 'e', 'f']
    const { clock, engine, check } = engineOf(
      [spec('a', hung), spec('b', hung), ...names.map((name) => spec(name, slow))],
      { maxConcurrent: 2, jitter: 0 },
    )
    engine.start()
    await clock.advance(2_000)
    expect([check('a').status, check('c').status]).toEqual(['down', 'unknown'])
    await clock.advance(2_000)
    expect(names.map((name) => check(name).status)).toEqual(['up', 'up', 'up', 'up'])
    expect(most).toBe(2)
  })

  test('a result older than three periods and a timeout is stale', async () => {
    const { clock, engine, check } = engineOf([spec('a', up)])
    engine.start()
    await clock.advance(0)
    engine.stop()
    await clock.advance(32_000)
    expect(check('a').stale).toBe(false)
    await clock.advance(1)
    expect(check('a')).toMatchObject({ stale: true, status: 'up', message: 'the result is stale' })
    expect(engine.status()).toBe('degraded')
  })
})

describe('statuses of many checks', () => {
  test('a parent that is down makes its children unknown, and each change is told once', async () => {
    let parent = down
    const { clock, engine, check } = engineOf([
      spec('child', up, { dependsOn: ['parent'] }),
      spec('parent', (signal) => parent(signal), { critical: true }),
    ])
    const changes: string[] = []
    const stop = engine.onChange(({ name, status }, before) => changes.push(`${name} ${before} -> ${status}`))
    engine.start()
    await clock.advance(0)
    expect(check('child')).toMatchObject({ status: 'unknown', parent: 'parent', message: 'parent parent is down' })
    expect(engine.status()).toBe('down')
    parent = up
    await clock.advance(10_000)
    expect(check('child')).toMatchObject({ status: 'up', parent: undefined, changedAtMs: clock.now() })
    expect(engine.status()).toBe('up')
    expect(changes).toEqual([
      'child unknown -> up',
      'parent unknown -> down',
      'child up -> unknown',
      'parent down -> up',
      'child unknown -> up',
    ])
    stop()
  })

  test('the line about a contributed check that throws holds the error with its stack, that of a configured one does not', async () => {
    const broken = () => {
      throw new Error('no route')
    }
    const { clock, engine, lines } = engineOf([spec('own', broken), spec('theirs', broken, { plugin: 'mine' })])
    engine.start()
    await clock.advance(0)
    const errors = lines.map(({ fields }) => [fields!.check, (fields!.error as Error | undefined)?.stack])
    expect(errors).toEqual([
      ['own', undefined],
      ['theirs', expect.stringContaining('engine.test.ts')],
    ])
  })

  test.each([
    [
      'throws',
      () => {
        throw Object.create(null)
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('late')
      },
    ],
  ])('a listener that %s is logged and keeps nobody from being told', async (_, broken) => {
    const { clock, engine, lines } = engineOf([spec('a', up)])
    const told: string[] = []
    engine.onChange(broken)
    engine.onChange(({ name }) => told.push(name))
    engine.start()
    await clock.advance(0)
    expect(told).toEqual(['a'])
    expect(lines.map(({ message }) => message)).toContain('a listener of check changes threw')
  })

  test('a circle among checks and a parent that is missing are told', () => {
    const { engine } = engineOf([
      spec('a', up, { dependsOn: ['b'] }),
      spec('b', up, { dependsOn: ['a'] }),
      spec('c', up, { dependsOn: ['ghost'] }),
    ])
    expect(engine.problems).toEqual([
      'checks depend on each other in a circle: a -> b -> a',
      'no check is called ghost',
    ])
  })
})

describe('changing checks', () => {
  test('an unchanged check goes on, a changed one keeps its state, another target starts anew, a removed one stops', async () => {
    const opened: string[] = []
    const counting = (name: string, changes: object = {}) => {
      const made = spec(name, up, changes)
      const open = (tools: never) => {
        opened.push(name)
        return made.open(tools)
      }
      return { ...made, open }
    }
    const { clock, engine, check } = engineOf([
      counting('same'),
      counting('slower'),
      counting('moved'),
      counting('gone'),
    ])
    engine.start()
    await clock.advance(0)
    const sinceMs = clock.now()
    await clock.advance(3_000)
    engine.set(
      [counting('same'), counting('slower', { everyMs: 60_000 }), counting('moved', { target: 'elsewhere' })],
      [],
    )
    expect(engine.checks().map(({ name, status }) => `${name} ${status}`)).toEqual([
      'same up',
      'slower up',
      'moved unknown',
    ])
    expect(check('slower').changedAtMs).toBe(sinceMs)
    await clock.advance(0)
    expect(check('moved').status).toBe('up')
    expect(opened).toEqual(['same', 'slower', 'moved', 'gone', 'moved'])
    await clock.advance(8)
    engine.stop()
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['is gone', [], 29_999, 'up'],
    ['is gone', [], 30_000, 'unknown'],
    ['has another target', [spec('a', hung, { target: 'b' })], 29_999, 'up'],
    ['has another target', [spec('a', hung, { target: 'b' })], 30_000, 'unknown'],
  ])('a check that %s and is back after some time keeps its state for 30 s', async (_, between, ms, status) => {
    const { clock, engine, check } = engineOf([spec('a', up)])
    engine.start()
    await clock.advance(0)
    engine.set(between, [])
    await clock.advance(ms)
    engine.set([spec('a', hung)], [])
    expect(check('a').status).toBe(status as 'up')
    engine.stop()
  })

  test.each([
    ['the same contribution', true, 1],
    ['another contribution', false, 2],
  ])(
    'a check of %s, handed over before its period ends, runs at once only if it has not run yet',
    async (_, same, runs) => {
      let count = 0
      const run = () => {
        count += 1
        return { status: 'up' as const }
      }
      const source = {}
      const { clock, engine, log, tools } = engineOf([spec('a', run, { source })])
      engine.start()
      await clock.advance(0)
      const now = [spec('a', run, { source: same ? source : {} })]
      engine.set(now, [])
      const settings = { maxConcurrent: 4, jitter: 0 }
      const inherited = engine.stop()
      const next = new HealthEngine({
        clock: clock as PluginClock,
        log,
        tools,
        settings,
        inherited,
        isPaused: () => false,
      })
      next.set(now, [])
      next.start()
      expect(next.checks()[0]!.status).toBe('up')
      await clock.advance(100)
      expect(count).toBe(runs)
      next.stop()
    },
  )

  test('a successor takes over what the checks found', async () => {
    const first = engineOf([spec('a', down), spec('b', up, { dependsOn: ['a'] })])
    first.engine.start()
    await first.clock.advance(0)
    const inherited = first.engine.stop()
    const { clock, log, tools } = first
    const next = new HealthEngine({
      clock: clock as PluginClock,
      log,
      tools,
      settings: { maxConcurrent: 4, jitter: 0 },
      inherited,
      isPaused: () => false,
    })
    next.set([spec('a', down), spec('b', up, { dependsOn: ['a'] })], [])
    expect(next.checks().map(({ status }) => status)).toEqual(['down', 'unknown'])
    expect(next.checks()[0]!.changedAtMs).toBe(first.engine.checks()[0]!.changedAtMs)
    first.engine.restore()
    expect(first.check('a').status).toBe('down')
    await clock.advance(8)
    first.engine.stop()
    expect(clock.pending).toBe(0)
  })
})
