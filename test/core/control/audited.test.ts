import { describe, expect, test } from 'bun:test'
import { fromPlain } from '../../../core/config/tree/node.ts'
import { type ArkwatchError, coreError } from '../../../core/contract/errors.ts'
import type { CommandAuditor, ControlCommand } from '../../../core/contract/runtime-api.ts'
import type { Contributed } from '../../../core/contract/tokens.ts'
import { checkedArguments } from '../../../core/control/arguments.ts'
import { audited, commandMs, maxRuns, recorded as onRecord } from '../../../core/control/audited.ts'
import { secret, z } from '../../../core/plugin.ts'
import { LogHub } from '../../../core/process/log.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'
import { endlessValues } from '../../support/hostile.ts'

const clock = testClock()
const recorded: string[] = []
const faults: unknown[] = []
const given = <T>(value: T): Contributed<T> => ({
  plugin: 'p',
  value,
  fault: (error) => void faults.push(error),
  hold() {},
})
const auditor: CommandAuditor = async (command) => {
  recorded.push(`${command} begins`)
  return async (outcome) => void recorded.push(`${command} ${outcome}`)
}
const run = (command: ControlCommand, args = {}, auditors = [auditor]) => {
  recorded.length = 0
  faults.length = 0
  return Promise.resolve(audited(given(command), () => auditors.map(given), clock).run(args))
}

test('a command that changes something is recorded before and after, one that does not is not', async () => {
  const set: ControlCommand = {
    name: 'set',
    changes: ({ to }) => to !== undefined,
    run: () => void recorded.push('runs'),
  }
  await run(set, { to: 1 })
  expect(recorded).toEqual(['set begins', 'runs', 'set ok'])
  await run(set)
  expect(recorded).toEqual(['runs'])
})

test('its error is recorded and thrown', async () => {
  const fails: ControlCommand = {
    name: 'fail',
    changes: () => true,
    run: () => {
      throw Object.assign(new Error('no'), { code: 'NO' })
    },
  }
  expect(await run(fails).catch((error) => error.message)).toBe('no')
  expect(recorded).toEqual(['fail begins', 'fail NO'])
  expect(faults).toHaveLength(1)
})

test('it does not run where an auditor cannot record', async () => {
  const blind: CommandAuditor = async () => {
    throw new Error('the disk is full')
  }
  const set: ControlCommand = { name: 'set', changes: () => true, run: () => void recorded.push('runs') }
  expect(await run(set, {}, [blind]).catch((error) => error.message)).toBe('the disk is full')
  expect(recorded).toEqual([])
})

test('an error with a code of Arkwatch is an answer and not a fault', async () => {
  const refuses: ControlCommand = {
    name: 'refuse',
    run: () => {
      throw coreError('RELOAD_BUSY')
    },
  }
  expect(await run(refuses).catch((error) => error.code)).toBe('RELOAD_BUSY')
  expect(faults).toEqual([])
})

test('arguments that a command does not take are refused before the record, without the secrets in them', async () => {
  const args = z.strictObject({ apiToken: z.number(), to: z.number().default(1) })
  const set: ControlCommand = {
    ...{ name: 'set', args, changes: ({ to }) => to === 1 },
    run: ({ to }) => void recorded.push(`runs ${to}`),
  }
  const error = (await run(set, { apiToken: 'canary' }).catch((thrown) => thrown)) as ArkwatchError
  expect(error).toMatchObject({ code: 'CONTROL_BAD_REQUEST', details: { errors: [{ pointer: '/apiToken' }] } })
  expect(JSON.stringify([error.message, error.details])).not.toContain('canary')
  expect([recorded, faults]).toEqual([[], []])
  await run(set, { apiToken: 5 })
  expect(recorded).toEqual(['set begins', 'runs 1', 'set ok'])
})

test('what a schema of arguments throws does not show the secrets in them', async () => {
  const parse = (text: string) => JSON.parse(text)
  const set: ControlCommand = {
    ...{ name: 'set', args: z.strictObject({ thing: secret().transform(parse) }), run() {} },
  }
  const thrown = (await run(set, { thing: 'canary' }).catch((error) => error)) as Error
  expect(thrown.message).toBe('its schema threw SyntaxError, whose text may quote a secret')
  expect(Bun.inspect([thrown, faults])).not.toContain('canary')
})

test('what a command does not take costs about as much as reading it, however much that is', () => {
  const given = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`argument-${at}`, at]))
  const command = { name: 'few', args: z.strictObject({}), run() {} }
  const took = (work: () => void) => {
    const startedMs = performance.now()
    work()
    return performance.now() - startedMs
  }
  const ratios = Array.from({ length: 7 }, () => {
    const checking = took(() => expect(() => checkedArguments(command, given)).toThrow('unknown key "argument-19"'))
    return checking / took(() => JSON.parse(JSON.stringify(fromPlain(given, { kind: 'code' }))))
  })
  // Each name had an error of its own: more than 30 times as much.
  expect(Math.min(...ratios)).toBeLessThan(8)
})

test('a command whose end cannot be recorded settles once', async () => {
  const outcomes: string[] = []
  const late: CommandAuditor = async () => async (outcome) => {
    outcomes.push(outcome)
    throw new Error('the disk is full')
  }
  const set: ControlCommand = { name: 'set', changes: () => true, run: () => 'done' }
  expect(await run(set, {}, [late]).catch((error) => error.message)).toBe('the disk is full')
  expect(outcomes).toEqual(['ok'])
})

describe('a change of the runtime itself', () => {
  const change = { command: 'config.rollback', args: { id: 'x' }, by: 'arkwatch' }
  const logged: string[] = []
  const log = new LogHub(testClock(), recordingSink([])).logger('core')
  const parts = { clock: testClock(), log: { ...log, error: (message: string) => void logged.push(message) } }
  const make = (auditors: CommandAuditor[], outcome: () => Promise<string> = async () => 'made') => {
    recorded.length = 0
    faults.length = 0
    logged.length = 0
    return onRecord(change, auditors.map(given), parts, outcome)
  }

  test('is recorded with who makes it, and with its outcome', async () => {
    const who: unknown[] = []
    const noted: CommandAuditor = async (command, args, by) => {
      who.push(command, args, by)
      return async (outcome) => void who.push(outcome)
    }
    expect(await make([noted])).toBe('made')
    expect(who).toEqual(['config.rollback', { id: 'x' }, 'arkwatch', 'ok'])
    who.length = 0
    await expect(make([noted], () => Promise.reject(coreError('RELOAD_BUSY')))).rejects.toThrow('in progress')
    expect(who.at(-1)).toBe('RELOAD_BUSY')
  })

  const unwilling: Readonly<Record<string, CommandAuditor>> = {
    'refuses the change': () => Promise.reject(coreError('RELOAD_BUSY')),
    throws: () => {
      throw new Error('broken')
    },
    'returns what cannot be called': async () => 5 as never,
    'cannot record the outcome': async () => () => Promise.reject(new Error('full')),
    'never answers': () => new Promise(() => {}),
  }
  test.each(Object.keys(unwilling))('is made, with a line in the log, where an auditor %s', async (name) => {
    const made = make([unwilling[name]!, auditor])
    await new Promise(setImmediate)
    await parts.clock.advance(5_000)
    expect(await made).toBe('made')
    expect(recorded).toEqual(['config.rollback begins', 'config.rollback ok'])
    expect(logged).toEqual(['a change by the runtime is not recorded'])
  })
})

const circle: Record<string, unknown> = {}
circle.self = circle
const throwing = {
  toJSON() {
    throw new Error('no')
  },
}
test.each([[{ a: 1n }], [circle], [throwing], [() => 1], [Symbol('mark')]])(
  'a result that is not JSON is a fault: %p',
  async (result) => {
    expect(
      await run({ name: 'odd', run: () => result }).then(
        () => 'taken',
        () => 'refused',
      ),
    ).toBe('refused')
    expect(faults).toHaveLength(1)
  },
)

test.each(Object.entries(endlessValues))(
  'a command that gives %s is answered and charged after its time, and holds up itself alone',
  async (_, never) => {
    const hangs: ControlCommand = { name: 'hang', run: never }
    const answers = Array.from({ length: maxRuns }, () => run(hangs).catch(({ code }) => code))
    for (const passed of [0, commandMs]) {
      await clock.advance(passed)
      expect(faults).toHaveLength(passed === 0 ? 0 : maxRuns)
      expect(await run(hangs).catch(({ code }) => code)).toBe('CONTROL_BUSY')
    }
    expect(await Promise.all(answers)).toEqual(answers.map(() => 'CONTROL_TIMEOUT'))
    expect(await run({ name: 'other', run: () => 1 })).toBe(1)
  },
)
