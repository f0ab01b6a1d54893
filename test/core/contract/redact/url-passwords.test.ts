import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { createRedactor, redactText, show } from '../../../../core/contract/redact/redactor.ts'
import { scrub } from '../../../../plugins/audit/journal/changes.ts'
import { scrubber, secretsOf } from '../../../../plugins/health/checks/scrub.ts'

// Many texts of 1 MiB.
setDefaultTimeout(60_000)

/** The rules that one rule replaced: of the configuration, of log lines, of checks. */
const before = {
  config: (text: string) =>
    text
      .replace(/([a-z][\w+.-]*:\/\/[^\s:@/]*):\S*@/gi, '$1:[redacted]@')
      .replace(/([?&](?:password|passwd|pwd|pass|token|secret|api_?key)=)[^&#\s]+/gi, '$1[redacted]'),
  lines: (text: string) =>
    text.replace(/(:\/\/[^\s/:@"']{0,256}:)(?!\d{1,5}(?:[/\s]|$))([^\s"'<>]{1,512})(?=@)/g, '$1[redacted]'),
  checks: (text: string) => text.replace(/\/\/[^/\s@]*@/g, '//[redacted]@'),
  secrets: (url: string) =>
    [
      /\/\/[^/?#]*?:([^/?#]*)@/.exec(url)?.[1],
      /\/\/[^:]*:(.*)@/.exec(url)?.[1],
      ...[...url.matchAll(/[?&](?:password|pass|pwd|token|secret|api_?key)=([^&#]*)/gi)].map((match) => match[1]),
    ].filter((text) => text !== undefined && text !== ''),
}
const lines = createRedactor()
const now = {
  config: redactText,
  lines: (text: string) => lines.text(text),
  checks: scrubber([]),
}

const records = (text: string) => String(scrub(text, () => '[redacted]'))

const words = ['ann', 's3cret', 'p4ss', 'host1', '5432', 'path2', 'q7']
const marks = ['a://', '://', '//', '/', ':', ':', '@', '@', '?', '#', '&password=', '?token=', '"', "'", '<', ' ', '.']
const texts = fc.array(fc.constantFrom(...words.map((_, index) => index), ...marks), { maxLength: 24 }).map((parts) => {
  const used = new Map<number, number>()
  // Each use of a word is another word, so that one that is gone cannot be confused with one that stays.
  const next = (word: number) => used.set(word, (used.get(word) ?? 0) + 1).get(word)
  return parts.map((part) => (typeof part === 'number' ? `${words[part]}${'x'.repeat(next(part)!)}` : part)).join('')
})

describe('nothing that was hidden before is shown', () => {
  test.each(['config', 'lines', 'checks'] as const)('in %s', (where) => {
    fc.assert(
      fc.property(texts, (text) => {
        const shown = before[where](text)
        const gone = (text.match(/[a-z0-9]+x+/g) ?? []).filter((word) => !shown.includes(word))
        const result = now[where](text)
        expect(gone.filter((word) => result.includes(word))).toEqual([])
      }),
      { numRuns: process.env.ARKWATCH_PROOF ? 50_000 : 500 },
    )
  })

  test('in the secrets of a check', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const url = text.replaceAll(/\s/g, '')
        expect(secretsOf(url)).toEqual(expect.arrayContaining(before.secrets(url)))
      }),
      { numRuns: process.env.ARKWATCH_PROOF ? 50_000 : 500 },
    )
  })
})

describe('of a value that is a URL as a whole, user and password are hidden', () => {
  const secret = fc
    .array(fc.constantFrom('canary', ...' \t\n\u00a0/?#@:;&="\'`\\'), { maxLength: 12 })
    .map((parts) => `${parts.join('')}canary`)
  const start = fc.constantFrom(
    'https://',
    'HTTPS:\\\\',
    'http:',
    'http:/',
    ' wss://',
    'ht\ttp:/\n/',
    'redis://',
    'a+b:c://',
  )
  const values = fc.tuple(start, fc.constantFrom('user', 'us er', 'me@mail.example', '80', ''), secret)
  const numRuns = process.env.ARKWATCH_PROOF ? 50_000 : 1_000

  test('in the configuration, in errors about it and in audit records', () => {
    fc.assert(
      fc.property(values, ([scheme, user, password]) => {
        const url = `${scheme}${user}:${password}@host/x`
        for (const shown of [redactText(url), show(url), records(url)]) {
          expect(shown).not.toContain('canary')
          expect(shown).toContain('@host/x')
        }
        expect(redactText(redactText(url))).toBe(redactText(url))
      }),
      { numRuns },
    )
  })

  test('also where the URL is one that the standard accepts', () => {
    fc.assert(
      fc.property(values, ([scheme, user, password]) => {
        const url = `${scheme}${user}:${password}@host/x`
        fc.pre(URL.canParse(url) && new URL(url).password !== '')
        const { username, password: read } = new URL(redactText(url))
        expect([username, read]).toEqual(['%5Bredacted%5D', ''])
      }),
      { numRuns },
    )
  })

  test.each([
    ['https://user:pa ss@host/x', 'https://[redacted]@host/x'],
    ['https://key@host/1', 'https://[redacted]@host/1'],
    ['http://h:80/x@y', 'http://h:[redacted]@y'],
    ['https://host/@user', 'https://host/@user'],
    ['https://host/?mail=a@b', 'https://host/?mail=a@b'],
    ['http://host:9090', 'http://host:9090'],
    ['mailto:ann@host', 'mailto:ann@host'],
    ['at 10:30 ann@host', 'at 10:30 ann@host'],
    ['http://h:80/ and https://user:pw@host', 'http://h:[redacted]@host'],
  ])('%s is shown as %s', (value, shown) => {
    expect(redactText(value)).toBe(shown)
    expect(records(value)).toBe(shown)
  })
})

test.each([
  ['to smtp://me@mail.example:canary@host', 'to smtp://me@mail.example:[redacted]@host'],
  ['at http://proxy:8080/x and redis://:canary@h', 'at http://proxy:8080/x and redis://:[redacted]@h'],
])('%s hides the password alone, in every place', (text, shown) => {
  expect([redactText(text), lines.text(text)]).toEqual([shown, shown])
  expect(scrubber([])(text)).not.toContain('canary')
  expect(records(text)).toBe(shown)
})

test.each([
  ['//:?token=@canary', '//:[redacted]'],
  ['//user:pa?token=x@canary', '//user:[redacted]'],
  ['a://h/?token=//u:canary@i&x=1', 'a://h/?token=[redacted]&x=1'],
])('%s: a password and a parameter that overlap are hidden together', (text, shown) => {
  expect(redactText(text)).toBe(shown)
})

test('a port with a path is not a password in a line, and the URL behind it is still searched', () => {
  expect(lines.text('GET http://h:8080/@me')).toBe('GET http://h:8080/@me')
  expect(scrubber([])('GET http://h:8080/@me')).toBe('GET http://h:8080/@me')
  expect(lines.text('http://h:80/?u=redis://:canary@i')).toBe('http://h:80/?u=redis://:[redacted]@i')
})
