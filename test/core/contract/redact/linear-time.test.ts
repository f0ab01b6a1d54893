import { expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { createRedactor, redactText } from '../../../../core/contract/redact/redactor.ts'
import { maskPasswords, secretsInUrl } from '../../../../core/contract/redact/url-passwords.ts'
import { scrub } from '../../../../plugins/audit/journal/changes.ts'
import { scrubber, secretsOf } from '../../../../plugins/health/checks/scrub.ts'
import { issuedKeys } from './issued-samples.ts'

setDefaultTimeout(120_000)

const word = 'a1'.repeat(24)
/** A secret in every way that one is recognised. */
const samples = [
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4',
  `nsec1${'q2'.repeat(12)}`,
  `ncryptsec1${'q2'.repeat(12)}`,
  `xprv${word}`,
  `ark_0123456789ab_${word}`,
  `0201036c6e64${word}`,
  'AgEDbG5kAvgBAwoQs79pBsGTcTmsBoSsRBcTnRIBMBoWCgdhZGRyZXNz==',
  'MDAxY2xvY2F0aW9uIGxvY2FsaG9zdDo4MDgwCjAwMTVpZGVudGlmaWVyIGFi==',
  'bearer    abcdef.ghi',
  'Basic    dXNlcjpwYXNz==',
  '-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----',
  'postgres://user:pass@host/',
  'http:\\/\\/u:80/x@h',
  '"http://user:80","a@b',
  '/x?password=a&token=b#c',
  `password  =  'a\\'b' `,
  '{\\"token\\" : \\"a\\\\\\"b\\"}',
  '"secret":{"a":["b"]}',
  'Cookie: a="b"; c=d\r\n',
  "authorization: Digest a='b', c\"",
  'user[password][]=(a,b),c;d&e\\ f ',
  'x::token:=>"a""b"',
  'pwd={a}}b};',
  '{"name":"password","value":"x1"}',
  'password:\n  x1\ntoken: |\n  x1\n\n  y2\npw:\r\nx1\n',
  'auth: session expired',
  ' a:b:\t/\n/u:p w@h c://',
  '\u2028\u2029\u0085',
]
const marks = [...' \t\n"\'`\\/:=@,;&?#.-_()[]{}<>a0%', '//', '://', '--', '","', '=\\"', '\\\\"', '==', '::']
const prefixes = samples.flatMap((sample) => [...sample].map((_, index) => sample.slice(0, index + 1)))
const isProof = process.env.ARKWATCH_PROOF === '1'
/** All of them in a proof, otherwise others in each run. */
const tried = isProof ? prefixes : fc.sample(fc.shuffledSubarray(prefixes, { minLength: 80, maxLength: 80 }), 1)[0]!

const redactor = createRedactor()
const hide = () => '[redacted]'
const searches: Record<string, (text: string) => unknown> = {
  'log lines': (text) => redactor.text(text),
  passwords: (text) => maskPasswords(text, () => undefined),
  URLs: secretsInUrl,
  values: (text) => [redactText(text), redactText(`http://${text}`)],
  checks: (text) => [scrubber([])(text), secretsOf(text)],
  audit: (text) => scrub(text, hide),
}

/** @returns CPU time of this thread in milliseconds, which other processes do not change */
function timeOf(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

const [short, long] = [4_096, 65_536]
const times = long / short
/** By the square of the length, a step of a tenth of a nanosecond takes four times as long. */
const tooShortMs = 50

/** @returns how much longer one long text takes than as many short ones; 1 where the time is too short to be measured */
function growth(search: (text: string) => unknown, unit: string): number {
  const text = unit.repeat(Math.ceil(long / unit.length))
  const shortText = text.slice(0, short)
  const attempts = [1, 2, 3].map(() => () => {
    const longMs = timeOf(() => search(text.slice(0, long)))
    if (longMs < tooShortMs) return 1
    const shortMs = timeOf(() => Array.from({ length: times }, () => search(shortText)))
    return longMs / Math.max(shortMs, 1)
  })
  return attempts.reduce((least, attempt) => (least > mostGrowth ? attempt() : least), Number.POSITIVE_INFINITY)
}

/** 1 by the length, 16 by its square. */
const mostGrowth = 6

test('every shape has a sample', () => {
  const source = readFileSync(new URL('../../../../core/contract/redact/secret-shapes.ts', import.meta.url), 'utf8')
  const shapes = [...source.matchAll(/^ {2}\/(.+)\/(g\w*),$/gm)].map((match) => new RegExp(match[1]!, match[2]))
  expect(shapes.length).toBeGreaterThan(8)
  for (const shape of shapes)
    expect([shape.source, samples.some((each) => each.search(shape) >= 0)]).toEqual([shape.source, true])
})

/** Those of the units, with what may stand around them, that take more than linear time. */
const slowUnits = (search: (text: string) => unknown, units: readonly string[]) =>
  units
    .flatMap((unit) => [unit, `_${unit}`, `${unit} `])
    .map((unit) => [unit, growth(search, unit)] as const)
    .filter(([, factor]) => factor > mostGrowth)

test('the search for keys with the prefix of their issuer takes linear time over their repeated beginnings', () => {
  const units = issuedKeys.flatMap(([shown, key]) =>
    [4, 8, 16, key.length - 1, key.length].map((length) => shown + key.slice(0, length)),
  )
  expect(slowUnits(searches['log lines']!, [...new Set(units)])).toEqual([])
})

for (const [name, search] of Object.entries(searches)) {
  test(`the search of ${name} takes linear time over the repeated beginning of a secret`, () => {
    expect(slowUnits(search, tried)).toEqual([])
  })

  test(`the search of ${name} takes linear time over repeated parts of secrets`, () => {
    const part = fc.constantFrom(...marks, ...marks, ...prefixes)
    const unit = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(unit, fc.boolean(), (repeated, once) => {
        const text = once ? (rest: string) => search(`password="//u:${rest}`) : search
        expect(growth(text, repeated)).toBeLessThan(mostGrowth)
      }),
      { numRuns: isProof ? 20_000 : 80 },
    )
  })
}
