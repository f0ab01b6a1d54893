import { expect, test } from 'bun:test'
import { boundedResult } from '../../../plugins/health/checks/result.ts'

const same = (text: string) => text

test.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  ['up', 'up'],
  [42, '42'],
  [{}, 'the status undefined'],
  [{ status: 'great', details: { a: { b: 1 } } }, 'the status great'],
  [{ status: 'unknown' }, 'the status unknown'],
  [{ status: 'x'.repeat(10_000) }, `the status ${'x'.repeat(200)}`],
])('%j is no result: the check is down, and its message shows the value', (returned, seen) => {
  const message = `the check returned ${seen}: expected { status: up, degraded or down }`
  expect(boundedResult(returned, same)).toEqual({ status: 'down', message })
})

test('details are bounded in number, length and kind, and scrubbed', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`d${at}`, at]))
  expect(Object.keys(boundedResult({ status: 'up', details: many }, same).details!)).toHaveLength(50)
  const details = { text: `canary${'x'.repeat(500)}`, nested: { a: 1 }, missing: undefined, nan: Number.NaN, ok: true }
  const shown = boundedResult({ status: 'up', details }, (text) => text.replace('canary', '')).details!
  expect(shown).toEqual({ text: 'x'.repeat(200), ok: true })
})

test('details are secret by the name of their key, as the fields of a log line are', () => {
  const details = { password: 'canary', pin: 1234, apiKey: '', hasToken: true, maxTokens: 5, 'token=canary': 1 }
  expect(boundedResult({ status: 'up', details }, same).details).toEqual({
    password: '[redacted]',
    pin: '[redacted]',
    apiKey: '',
    hasToken: true,
    maxTokens: 5,
    'token=[redacted]': 1,
  })
})
