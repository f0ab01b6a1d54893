import { expect, test } from 'bun:test'
import type { ControlCommand, ControlWitness } from '../../../core/contract/runtime-api.ts'
import { witnessed } from '../../../core/control/witnessed.ts'

const told: string[] = []
const witness: ControlWitness = async (command) => {
  told.push(`${command} begins`)
  return async (outcome) => void told.push(`${command} ${outcome}`)
}
const run = (command: ControlCommand, args = {}, witnesses = [witness]) => {
  told.length = 0
  return Promise.resolve(witnessed(command, () => witnesses).run(args))
}

test('a command that changes something is told before and after, one that does not is not', async () => {
  const set: ControlCommand = { name: 'set', changes: ({ to }) => to !== undefined, run: () => void told.push('runs') }
  await run(set, { to: 1 })
  expect(told).toEqual(['set begins', 'runs', 'set ok'])
  await run(set)
  expect(told).toEqual(['runs'])
})

test('its error is told and thrown', async () => {
  const fails: ControlCommand = {
    name: 'fail',
    changes: () => true,
    run: () => {
      throw Object.assign(new Error('no'), { code: 'NO' })
    },
  }
  expect(await run(fails).catch((error) => error.message)).toBe('no')
  expect(told).toEqual(['fail begins', 'fail NO'])
})

test('it does not run where a witness cannot be told', async () => {
  const blind: ControlWitness = async () => {
    throw new Error('the disk is full')
  }
  const set: ControlCommand = { name: 'set', changes: () => true, run: () => void told.push('runs') }
  expect(await run(set, {}, [blind]).catch((error) => error.message)).toBe('the disk is full')
  expect(told).toEqual([])
})
