import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { jsonExcess } from '../../../core/http/json-limits.ts'

const most = 1_000_000
const count = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce<number>((sum, each) => sum + count(each), 0)
    : 1
const depth = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0

test('the limits are those of the parsed value: of values by at most one for each empty list or map, of depth exactly', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      const containers = text.split(/\[\]|{}/).length - 1
      expect(jsonExcess(text, { values: count(value) + containers, depth: depth(value) })).toBeUndefined()
      if (depth(value) > 0) expect(jsonExcess(text, { values: most, depth: depth(value) - 1 })).toContain('deeper')
      expect(jsonExcess(text, { values: count(value) - 1, depth: most })).toContain('more than')
    }),
  )
})

test.each(['"[[[[\\"[[["', '"\\\\"', '"a,b,c"'])('a string holds no brackets and no values: %s', (text) => {
  expect(jsonExcess(text, { values: 1, depth: 0 })).toBeUndefined()
})

test('a text that is no JSON is measured as well', () => {
  expect(jsonExcess('['.repeat(300_000), { values: most, depth: 64 })).toBe('nests deeper than 64')
  expect(jsonExcess('},'.repeat(300_000), { values: 5_000, depth: 64 })).toBe('has more than 5000 values')
})
