import { expect, test } from 'bun:test'
import { closest, didYouMean } from '../../../core/contract/closest.ts'

test.each([
  ['prot', ['host', 'port'], 'port'],
  ['loging', ['logging', 'login'], 'logging'],
  ['drain_timeout', ['drainDelay', 'drainTimeout'], 'drainTimeout'],
  ['PORT', ['port'], 'port'],
  ['ab', ['cd'], undefined],
  ['colour', ['level', 'every'], undefined],
  ['', ['a'], 'a'],
  ['x'.repeat(65), ['x'.repeat(65)], undefined],
  ['anything', [], undefined],
  ['include', ['include'], undefined],
])('%j among %j is %j', (word, candidates, expected) => {
  expect(closest(word, candidates)).toBe(expected)
})

test('nothing near is no question', () => {
  expect([didYouMean('prot', ['port']), didYouMean('x', ['abc'])]).toEqual(['did you mean "port"?', undefined])
})
