/** A large configuration is checked in turns of the event loop, also where all of it is wrong. */
import { afterAll, expect, test } from 'bun:test'
import { busiestTurn } from '../../../support/longest-turn.ts'
import { load, removeFolders } from '../support.ts'

afterAll(removeFolders)

/** Milliseconds; the aim is 5, but a schema parses a section in one piece. */
const limitMs = 50

const name = (index: number) => [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), value]))

test.each<[string, object, problems: number]>([
  ['good values', { watcher: { checks: many(490, { kind: 'http' }) } }, 0],
  ['values of the wrong type', { watcher: { checks: many(990, 5) } }, 990],
  ['texts in place of maps', { watcher: { checks: many(990, 'x'.repeat(200)) } }, 990],
  ['unknown kinds', { watcher: { checks: many(490, { kind: 'nope' }) } }, 490],
  ['wrong values within maps', { watcher: { checks: many(490, { kind: 'http', url: 1 }) } }, 490],
  ['wrong secrets', { watcher: { checks: { web: { kind: 'http', headers: many(990, 5) } } } }, 990],
  ['wrong items', { watcher: { tags: Array.from({ length: 990 }, () => 5) } }, 990],
  [
    'keys that the schema refuses',
    { watcher: { checks: Object.fromEntries(Array.from({ length: 490 }, (_, at) => [`x${at}`, { kind: 'http' }])) } },
    490,
  ],
  ['unknown keys', { watcher: many(990, 1) }, 990],
  ['unknown sections', many(990, 1), 1_980],
  ['unknown plugins', { watcher: {}, ...many(990, {}) }, 990],
])('%s: a thousand do not hold the loop up', async (_, plugins, problems) => {
  const turns: number[] = []
  while (turns.length < 2 || (turns.length < 6 && Math.min(...turns) >= limitMs)) {
    const turn = await busiestTurn(async () => {
      const { raw } = await load({}, { object: { plugins } })
      expect(raw).toHaveLength(problems)
    })
    turns.push(turn)
  }
  expect(Math.min(...turns)).toBeLessThan(limitMs)
})
