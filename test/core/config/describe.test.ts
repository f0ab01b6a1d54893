/** The effective values of a configuration, made in turns. */
import { afterAll, expect, test } from 'bun:test'
import { inTurns } from '../../../core/process/clock.ts'
import { load, removeFolders } from './support.ts'

afterAll(removeFolders)

const name = (index: number) => [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
const checks = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [name(index), { kind: 'http' }]))
const large = { plugins: { watcher: { checks } } }

function* steps(count: number): Generator<void, number> {
  for (let step = 0; step < count; step += 1) yield
  return count
}

test('work in turns lets others run between its blocks, and gives its result', async () => {
  let others = 0
  const other = () => {
    others += 1
    if (others < 1_000) setImmediate(other)
  }
  setImmediate(other)
  expect(await inTurns(steps(10), 0)).toBe(10)
  expect(others).toBeGreaterThanOrEqual(9)
})

test('two loads of a configuration are described alike, with the same sources', async () => {
  const [first, second] = await Promise.all([load({}, { object: large }), load({}, { object: large })])
  const { effective, sources } = await first.config.describe()
  expect(effective).toEqual((await second.config.describe()).effective)
  expect([...sources]).toEqual([...(await second.config.describe()).sources])
  expect(sources.size).toBeGreaterThan(900)
})

test('it is made once, also for those who ask at the same time', async () => {
  const { config } = await load({}, { object: large })
  const [first, second] = await Promise.all([config.describe(), config.describe()])
  expect(second).toBe(first)
  expect(await config.describe()).toBe(first)
})
