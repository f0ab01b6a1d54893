import { expect, test } from 'bun:test'
import { boundedResult } from '../../../plugins/health/checks/result.ts'

const same = (text: string) => text

test.each([[undefined], [null], ['up'], [42], [{}], [{ status: 'fine' }], [{ status: 'unknown' }]])(
  '%j is no result, so the check is down',
  (returned) => {
    expect(boundedResult(returned, same)).toMatchObject({
      status: 'down',
      message: expect.stringContaining('returned no result'),
    })
  },
)

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
