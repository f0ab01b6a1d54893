import { expect, test } from 'bun:test'
import { readRuntime } from '../../scripts/generate/surface/runtime.ts'

/** Words that need another sentence to be understood: pronouns, and words that the glossary replaces. */
const needsMore =
  /\b(it|its|itself|they|them|their|those|these|this one|that one|others|how they|what they|bus|line|shapes?|took force|look-ups?|in flight)\b/i

test('every HELP text is understood alone: a sentence without a pronoun that points out of the sentence', async () => {
  const { helps } = await readRuntime()
  expect(helps.size).toBeGreaterThan(100)
  const unclear = [...helps].filter(([, help]) => needsMore.test(help) || !/^[A-Z0-9].* .* .*\.$/.test(help))
  expect(unclear).toEqual([])
  const meanings = Map.groupBy(helps, ([, help]) => help)
  expect([...meanings].filter(([, same]) => same.length > 1).map(([help]) => help)).toEqual([])
})
