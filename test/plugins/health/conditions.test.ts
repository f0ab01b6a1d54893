import { describe, expect, test } from 'bun:test'
import { type Facts, firstBroken } from '../../../plugins/health/conditions/evaluate.ts'
import { parseCondition } from '../../../plugins/health/conditions/parse.ts'

const facts: Facts = {
  status: 429,
  responseTimeMs: 120.4,
  certificateMs: 72 * 3_600_000,
  body: JSON.stringify({
    name: 'x-ray',
    items: [{ id: 7, tags: ['a', 'b'] }, { id: '8' }],
    ok: true,
    none: null,
    'long name': 'y'.repeat(200),
  }),
}

function verdict(text: string, changes: Partial<Facts> = {}): string {
  const parsed = parseCondition(text)
  if (!parsed.ok) return `refused: ${parsed.what}`
  return firstBroken([parsed.condition], { ...facts, ...changes }) ?? 'holds'
}

describe('conditions', () => {
  test.each([
    '[STATUS] == 429',
    '[STATUS] == any(200, 429)',
    '[STATUS] != any(200, 500)',
    '[STATUS] < 500',
    '  [STATUS]>=429 ',
    '[RESPONSE_TIME] < 500',
    '[RESPONSE_TIME] <= 1s',
    '[CERTIFICATE_EXPIRATION] > 48h',
    '[BODY].name == x-ray',
    "[BODY].name == 'x-ray'",
    '[BODY].name == pat(x*)',
    '[BODY].name == pat(*-r*y)',
    '[BODY].name != pat(*z*)',
    '[BODY].name == any("a, b", x-ray)',
    '[BODY].items[0].id == 7',
    '[BODY].items[1].id == 8',
    '[BODY].items[1].id > 7',
    '[BODY].ok == true',
    '[BODY].none == null',
    'len([BODY].items) == 2',
    'len([BODY].items[0].tags) > 1',
    'len([BODY].name) == 5',
    'len([BODY]) == 5',
    'has([BODY].items[1]) == true',
    'has([BODY].error) == false',
    '[BODY] == pat(*x-ray*)',
  ])('%s holds', (text) => {
    expect(verdict(text)).toBe('holds')
  })

  test.each([
    ['[STATUS] == 200', '429'],
    ['[RESPONSE_TIME] < 100ms', '120 ms'],
    ['[CERTIFICATE_EXPIRATION] > 30d', '72.0 h'],
    ['[BODY].name == pat(y*)', 'x-ray'],
    ['[BODY].items[0].id == 8', '7'],
    ['[BODY].items[2].id == 8', 'nothing'],
    ['[BODY].items[0] == 8', '{"id":7,"tags":["a","b"]}'],
    ['[BODY].ok == false', 'true'],
    ['len([BODY].items) > 5', '2'],
    ['len([BODY].ok) > 5', 'nothing'],
    ['has([BODY].error) == true', 'false'],
    ['[BODY] == well', 'the body'],
    ['[BODY].constructor == x', 'nothing'],
  ])('%s does not hold, got %s', (text, seen) => {
    expect(verdict(text)).toBe(`condition failed: ${text}, got ${seen}`)
  })

  test.each([
    ['[STATUS]', 'expected a comparison'],
    ['[STATUS] == ok', 'expected a number'],
    ['[STATUS] ==', 'expected something on the right'],
    ['[STATUS] == any()', 'any() needs a value'],
    ['[STATUS].a == 1', 'has no parts'],
    ['len([STATUS]) == 1', 'has no parts'],
    ['[STATE] == 1', 'expected [STATUS], [RESPONSE_TIME]'],
    ['200 == [STATUS]', 'on the left'],
    ['[BODY].a b == 1', 'expected a path'],
    ['[BODY].a > x', '> compares with one number'],
    ['[STATUS] > any(1, 2)', '> compares with one number'],
    ['[CERTIFICATE_EXPIRATION] > soon', 'expected a duration'],
    ['len([BODY]) == many', 'expected a number'],
    [`[STATUS] == ${'1'.repeat(600)}`, 'at most 500 characters'],
  ])('%s is refused: %s', (text, what) => {
    expect(verdict(text)).toContain('refused: ')
    expect(verdict(text)).toContain(what)
  })

  test('what is shown of a value is short, and a body that is no JSON has no parts', () => {
    const wide = { body: JSON.stringify({ v: 'y'.repeat(200) }) }
    expect(verdict('[BODY].v == x', wide)).toBe(`condition failed: [BODY].v == x, got ${'y'.repeat(64)}…`)
    expect(verdict('has([BODY].v) == true', { body: '<html>' })).toContain('got false')
    expect(verdict('[BODY].v == x', { body: undefined })).toContain('got nothing')
    expect(verdict('[CERTIFICATE_EXPIRATION] > 1h', { certificateMs: undefined })).toContain('got nothing')
  })

  test('a pattern of many stars ends', () => {
    const stars = '*a'.repeat(150)
    expect(verdict(`[BODY].v == pat(${stars}b)`, { body: JSON.stringify({ v: 'a'.repeat(60_000) }) })).toContain(
      'failed',
    )
  })
})
