import { expect, test } from 'bun:test'
import { coreError } from '../../../core/contract/errors.ts'
import type { CommandAuditor, ControlCommand } from '../../../core/contract/runtime-api.ts'
import type { Contributed } from '../../../core/contract/tokens.ts'
import { audited } from '../../../core/control/audited.ts'

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
  return Promise.resolve(audited(given(command), () => auditors.map(given)).run(args))
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
