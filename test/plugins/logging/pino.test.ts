import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { pino } from 'pino'
import { createRedactor } from '../../../core/contract/redact/redactor.ts'
import { createLineEncoder } from '../../../plugins/logging/encode/line-encoder.ts'

const redactor = createRedactor()
const encode = createLineEncoder({ redactor, callSite: false })
const numRuns = process.env.ARKWATCH_PROOF ? 20_000 : 500

let written = ''
const reference = pino(
  {
    base: null,
    level: 'trace',
    messageKey: 'message',
    timestamp: () => ',"timestamp":"1970-01-01T00:00:00.000Z"',
    formatters: { level: (level) => ({ level }) },
    depthLimit: 100,
    edgeLimit: 1_000,
  },
  {
    write(line) {
      written = line
    },
  },
).child({ logger: 'a' })

const level = 'info'
const ours = (fields: object, message = 'm') =>
  encode({ timeMs: 0, level, logger: 'a', message, fields: fields as Record<string, unknown> })
const theirs = (fields: object, message = 'm') => {
  reference[level](fields, message)
  return written
}

/** A value with what stands for it in our line, where that is another value than in a line of pino. */
interface Pair {
  readonly given: unknown
  readonly shown: unknown
}
const same = (given: unknown): Pair => ({ given, shown: given })

/** As some ORMs do. */
class Itself {
  readonly own = 1
  toJSON() {
    return this
  }
}

/** The differences that decision 0012 names, in its order. A circle and a getter that throws are tested apart. */
const differences: Record<string, fc.Arbitrary<Pair>> = {
  BigInt: fc.bigInt().map((given) => ({ given, shown: String(given) })),
  'NaN and Infinity': fc
    .constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
    .map((given) => ({ given, shown: String(given) })),
  'an invalid Date': fc.constant({ given: new Date(Number.NaN), shown: 'Invalid Date' }),
  'a function': fc.constant({ given: function named() {}, shown: '[function named]' }),
  'a symbol': fc.constant({ given: Symbol('s'), shown: 'Symbol(s)' }),
  'Map and Headers': fc.integer().map((n) => ({ given: new Map([['n', n]]), shown: { n } })),
  Set: fc.array(fc.integer(), { maxLength: 5 }).map((list) => ({ given: new Set(list), shown: [...new Set(list)] })),
  'Buffer, typed array and ArrayBuffer': fc
    .uint8Array({ minLength: 1, maxLength: 9 })
    .chain((bytes) =>
      fc.constantFrom<Pair>(
        { given: bytes, shown: `[Uint8Array ${bytes.length} bytes]` },
        { given: Buffer.from(bytes), shown: `[Buffer ${bytes.length} bytes]` },
        { given: bytes.slice().buffer, shown: `[ArrayBuffer ${bytes.length} bytes]` },
      ),
    ),
  'a RegExp': fc.constant({ given: /x/g, shown: '/x/g' }),
  'Request and Response': fc.constantFrom(
    { given: new Request('http://h/x'), shown: 'GET http://h/x' },
    { given: new Response('', { status: 204 }), shown: '[response 204]' },
  ),
  'an Error that is nested, or has a cause': fc.string().map((text) => {
    const message = redactor.text(text)
    const given = Object.assign(new TypeError(message, { cause: 5 }), { stack: 'at x', code: 'E' })
    return { given, shown: { type: 'TypeError', message, stack: 'at x', code: 'E', cause: 5 } }
  }),
  'a toJSON whose result has a toJSON': fc.constant({ given: { toJSON: () => new Date(0) }, shown: new Date(0) }),
  'a secret': fc
    .string()
    .map((text) => ({ given: `Bearer abcdef ${text.length}`, shown: `Bearer [redacted] ${text.length}` })),
  'a line separator beyond ASCII': fc.constant({ given: 'a\u2028b\u0085', shown: 'a\\u2028b\\u0085' }),
  'a text, a list, a map or a depth over the limit': fc.constantFrom(
    { given: 'x'.repeat(20_000), shown: `${'x'.repeat(16_384)}…[3616 more]` },
    { given: Array(101).fill(1), shown: [...Array(100).fill(1), '…'] },
  ),
}

const plainText = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => redactor.text(text) === text)
const key = plainText.filter((text) => text !== '__proto__' && text !== 'toJSON' && !redactor.key(text).secret)
/** What both write in the same way: `JSON.stringify` of it. */
const leaf: fc.Arbitrary<Pair> = fc
  .oneof(
    plainText,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      undefined,
      -0,
      Object(5),
      Object('boxed'),
      Object(true),
      new (class {})(),
    ),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(new URL('http://h/x?y#z')),
    fc.integer().map((n) => ({ toJSON: () => ({ n, undefined }) })),
    fc
      .integer()
      .map((n) => Object.create({ inherited: 1 }, { n: { value: n, enumerable: true }, hidden: { value: 1 } })),
    fc.constantFrom(new Itself(), { toJSON: 5 }, { [Symbol('s')]: 1 }, Array(3)),
  )
  .map(same)

const tree = (leaves: fc.Arbitrary<Pair>) =>
  fc.letrec<{ node: Pair }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaves,
      fc.array(tie('node'), { maxLength: 4 }).map((nodes) => ({
        given: nodes.map(({ given }) => given),
        shown: nodes.map(({ shown }) => shown),
      })),
      fc.array(fc.tuple(key, tie('node')), { maxLength: 4 }).map((entries) => ({
        given: Object.fromEntries(entries.map(([name, { given }]) => [name, given])),
        shown: Object.fromEntries(entries.map(([name, { shown }]) => [name, shown])),
      })),
    ),
  })).node

describe('a line is the line of pino', () => {
  test('byte by byte, for what JSON can hold', () => {
    fc.assert(
      fc.property(tree(leaf), plainText, ({ given }, message) => {
        const line = theirs({ value: given, twice: [given, given] }, message)
        expect(ours({ value: given, twice: [given, given] }, message)).toBe(line)
      }),
      { numRuns },
    )
  })

  test('for the error of a record, which has no cause', () => {
    fc.assert(
      fc.property(plainText, fc.dictionary(key, fc.integer(), { maxKeys: 3 }), (message, members) => {
        const own = Object.fromEntries(Object.entries(members).map(([name, value]) => [`a${name}`, value]))
        const err = Object.assign(new RangeError(message), own)
        expect(JSON.parse(ours({ err }))).toEqual(JSON.parse(theirs({ err })))
      }),
      { numRuns },
    )
  })

  test('but for the differences that are listed', () => {
    fc.assert(
      fc.property(tree(fc.oneof(leaf, ...Object.values(differences))), ({ given, shown }) => {
        expect(JSON.parse(ours({ value: given }))).toEqual(JSON.parse(theirs({ value: shown })))
      }),
      { numRuns },
    )
  })
})

test('each difference is one, and is named by decision 0012', () => {
  const decision = readFileSync('docs/decisions/0012-log-lines-are-encoded-without-pino.md', 'utf8')
  for (const [name, pairs] of Object.entries(differences)) {
    expect(decision).toContain(`| ${name} |`)
    for (const { given, shown } of fc.sample(pairs, 5)) {
      expect([name, JSON.parse(ours({ given })).given]).toEqual([name, JSON.parse(JSON.stringify(shown))])
      expect([name, JSON.parse(theirs({ given })).given]).not.toEqual([name, JSON.parse(JSON.stringify(shown))])
    }
  }
})

test('a circle, and a getter that throws, cost pino the record, and here one member', () => {
  const circle: Record<string, unknown> = { a: 1 }
  circle.self = circle
  expect(JSON.parse(ours({ circle }))).toMatchObject({ circle: { a: 1, self: '[circular]' } })
  expect(JSON.parse(theirs({ circle }))).toMatchObject({ circle: { a: 1, self: '[Circular]' } })
  const given = {
    a: 1,
    get b() {
      throw new Error('no')
    },
  }
  expect(JSON.parse(ours({ given }))).toMatchObject({ given: { a: 1, b: '[throws]' } })
  expect(JSON.parse(theirs({ given })).given).toStartWith('[unable to serialize')
})
