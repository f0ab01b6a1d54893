import { describe, expect, test } from 'bun:test'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { type LogFields, type LogRecord, levels } from '../../../core/contract/logger.ts'
import { createRedactor } from '../../../core/contract/redact/redactor.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { createLineEncoder } from '../../../plugins/logging/encode/line-encoder.ts'
import { createLogger } from '../../../plugins/logging/loggers.ts'

const redactor = createRedactor()
const encode = createLineEncoder({ redactor, callSite: false })
const parse = (fields: LogFields, message = 'm') =>
  JSON.parse(encode({ timeMs: Date.UTC(2026, 0, 2), level: 'info', logger: 'a.b', message, fields }))

describe('a line', () => {
  test('has its time in UTC, the name of its level, its logger and its message', () => {
    for (const level of levels) {
      const line = encode({ timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6), level, logger: 'a.b', message: 'hello' })
      const { timestamp, ...rest } = JSON.parse(line)
      expect(timestamp).toBe('2026-01-02T03:04:05.006Z')
      expect(rest).toMatchObject({ level, logger: 'a.b', message: 'hello' })
    }
  })

  test('is one line, whatever is in it', () => {
    const evil = 'a\nb\r\nc\u2028d\u2029e\u0085f\u0000\u001b[2J'
    const line = encode({ timeMs: 0, level: 'info', logger: evil, message: evil, fields: { [evil]: evil } })
    for (const character of evil.replace(/[ -~]/g, '')) expect(line.slice(0, -1)).not.toContain(character)
    expect(line.endsWith('\n')).toBe(true)
    JSON.parse(line)
  })

  test('keeps what JSON cannot hold', () => {
    const circle: Record<string, unknown> = { a: 1 }
    circle.self = circle
    const line = parse({
      big: 12n,
      date: new Date(0),
      badDate: new Date(Number.NaN),
      map: new Map<unknown, unknown>([
        ['a', 1],
        [2, { b: 3n }],
      ]),
      set: new Set([1, 'x']),
      circle,
      nan: Number.NaN,
      infinity: Number.NEGATIVE_INFINITY,
      bytes: new Uint8Array(3),
      call: function named() {},
      symbol: Symbol('s'),
      url: new URL('http://a:b@c/d'),
      pattern: /x/g,
      headers: new Headers({ Authorization: 'x', accept: 'y' }),
      nothing: null,
      missing: undefined,
      json: { toJSON: () => ({ token: 'abc', ok: 1 }) },
      get throws() {
        throw new Error('no')
      },
    })
    expect(line).toMatchObject({
      big: '12',
      date: '1970-01-01T00:00:00.000Z',
      badDate: 'Invalid Date',
      map: { a: 1, '2': { b: '3' } },
      set: [1, 'x'],
      circle: { a: 1, self: '[circular]' },
      nan: 'NaN',
      infinity: '-Infinity',
      bytes: '[Uint8Array 3 bytes]',
      call: '[function named]',
      symbol: 'Symbol(s)',
      url: 'http://a:[redacted]@c/d',
      pattern: '/x/g',
      headers: { authorization: '[redacted]', accept: 'y' },
      nothing: null,
      json: { token: '[redacted]', ok: 1 },
      throws: '[throws]',
    })
    expect(line).not.toHaveProperty('missing')
  })

  test('survives proxies and getters that throw', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    )
    expect(parse({ hostile, after: 1 })).toMatchObject({ hostile: '[unreadable]', after: 1 })
    const line = encode({ timeMs: 0, level: 'info', logger: 'a', message: 'm', fields: hostile as LogFields })
    expect(JSON.parse(line)).toMatchObject({ message: 'm', fieldsError: '[unreadable]' })
  })

  test('has a field of a reserved name under another one', () => {
    expect(parse({ level: 'fatal', logger: 'x', message: 'y', timestamp: 1 })).toMatchObject({
      level: 'info',
      logger: 'a.b',
      message: 'm',
      field_level: 'fatal',
      field_logger: 'x',
      field_message: 'y',
      field_timestamp: 1,
    })
  })

  test('has errors with type, message, stack, code and causes to a bounded depth', () => {
    let error = new Error('root postgres://u:hunter2@h/x')
    for (let depth = 0; depth < 10; depth += 1) error = new TypeError(`level ${depth}`, { cause: error })
    Object.assign(error, { code: 'E_X', password: 'hunter2' })
    const line = parse({ error })
    expect(line.error).toMatchObject({ type: 'TypeError', message: 'level 9', code: 'E_X', password: '[redacted]' })
    expect(line.error.stack).toContain('line-encoder.test.ts')
    let depth = 0
    for (let at = line.error; typeof at === 'object'; at = at.cause) depth += 1
    expect(depth).toBe(5)
    expect(JSON.stringify(line)).not.toContain('hunter2')
  })

  test('has errors and collections of another realm as its own', () => {
    const foreign = (code: string) => runInNewContext(code)
    const line = parse({
      error: foreign('Object.assign(new TypeError("boom"), { code: "E_X", password: "hunter2" })'),
      wrapped: new Error('outer', { cause: foreign('new AggregateError([new RangeError("inner")], "all")') }),
      map: foreign('new Map([["token", "hunter2"], ["a", 1]])'),
      set: foreign('new Set([1])'),
      date: foreign('new Date(0)'),
      pattern: foreign('/x/g'),
      bytes: foreign('new ArrayBuffer(3)'),
    })
    expect(line).toMatchObject({
      error: { type: 'TypeError', message: 'boom', code: 'E_X', password: '[redacted]' },
      wrapped: {
        cause: { type: 'AggregateError', message: 'all', errors: [{ type: 'RangeError', message: 'inner' }] },
      },
      map: { token: '[redacted]', a: 1 },
      set: [1],
      date: '1970-01-01T00:00:00.000Z',
      pattern: '/x/g',
      bytes: '[ArrayBuffer 3 bytes]',
    })
    expect(line.error.stack).toContain('TypeError: boom')
    expect(parse(foreign('new TypeError("boom")')).error).toMatchObject({ type: 'TypeError', message: 'boom' })
  })

  test('has of an error what can be read, and its list of errors whatever it is', () => {
    for (const broken of ['name', 'message', 'stack', 'cause', 'errors']) {
      const error = Object.assign(new TypeError('boom'), { errors: { mail: new Error('no mail') } })
      Object.defineProperty(error, broken, {
        get() {
          throw new Error('no')
        },
      })
      const whole = {
        type: 'TypeError',
        message: 'boom',
        stack: expect.any(String),
        errors: { mail: { message: 'no mail' } },
      }
      expect(parse({ error }).error).toMatchObject({ ...whole, [broken === 'name' ? 'type' : broken]: '[throws]' })
    }
  })

  test('has a number of tokens', () => {
    const usage = { maxTokens: 5, total_tokens: 7, tokens: 9 }
    expect(parse({ usage, tokens: ['a'], token: 123456, pin: 1234 })).toMatchObject({
      usage,
      tokens: '[redacted]',
      token: '[redacted]',
      pin: '[redacted]',
    })
  })

  test('has a circle of causes and an AggregateError', () => {
    const a = new Error('a')
    const b = new Error('b', { cause: a })
    a.cause = b
    expect(parse({ error: a }).error.cause).toMatchObject({ message: 'b', cause: '[circular]' })
    const all = new AggregateError([new Error('x'), 'y'], 'both')
    expect(parse({ error: all }).error).toMatchObject({ message: 'both', errors: [{ message: 'x' }, 'y'] })
  })

  test('is bounded: depth, items, keys and text', () => {
    let deep: unknown = 'bottom'
    for (let depth = 0; depth < 50; depth += 1) deep = { deep }
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, 'x'.repeat(100)]))
    const grid = Array.from({ length: 500 }, () => Array.from({ length: 500 }, () => 1))
    const line = encode({
      timeMs: 0,
      level: 'info',
      logger: 'a',
      message: 'z'.repeat(1_000_000),
      fields: { deep, wide, grid },
    })
    expect(line.length).toBeLessThan(64_000)
    JSON.parse(line)
  })

  test('cuts a text without cutting a secret in two', () => {
    const text = `${'x'.repeat(16_370)} Bearer ${'s'.repeat(500)}`
    expect(encode({ timeMs: 0, level: 'info', logger: 'a', message: text })).not.toContain('ssss')
  })

  test('that is cut shows no part of a secret, however much shorter the text became by redaction', () => {
    for (const secret of ['redis://u:canary@h/0', 'nsec1canary', '{"token":"canary"}', "password='canary canary'"]) {
      const long = secret.replaceAll('canary', 'canary'.repeat(30))
      for (let before = 18_200; before < 18_600; before += 7) {
        const head = `password=${'a'.repeat(4_000)} `
        const line = parse({}, `${head}${'b'.repeat(before - head.length)} ${long} tail`)
        expect(line.message).not.toContain('canary')
        const key = `${'x'.repeat(before - 18_150)} ${long}`
        expect(Object.keys(parse({ [key]: 1 })).join()).not.toContain('canary')
      }
      for (let before = 16_000; before < 16_400; before += 7) {
        expect(parse({}, `${'b'.repeat(before)} ${long} tail`).message).not.toContain('canary')
      }
    }
  })

  test('reads everything that can be read behind what cannot', () => {
    const fails = () => {
      throw new Error('no')
    }
    const broken: Record<string, () => unknown> = {
      toJSON: () => ({ toJSON: fails }),
      ownKeys: () => new Proxy({}, { ownKeys: fails }),
      'every trap': () => new Proxy({}, { get: fails, getPrototypeOf: fails, ownKeys: fails }),
      revoked: () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
      iterator: () => Object.assign(new Map(), { [Symbol.iterator]: fails }),
      cause: () => Object.defineProperty(new Error('kept'), 'cause', { get: fails }),
      message: () => Object.defineProperty(new Error('x'), 'message', { get: fails }),
      name: () => Object.assign(new Error('kept'), { name: Object.create(null) }),
      errors: () => Object.assign(new AggregateError([], 'kept'), { errors: 5 }),
      'the name of a function': () => Object.defineProperty(() => {}, 'name', { get: fails }),
    }
    for (const [name, make] of Object.entries(broken)) {
      const one = make()
      const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`field${index}`, make()]))
      const error = new Error('important', { cause: make() })
      const line = parse({ ...many, one, list: [one, one], error, after: { a: { b: [1] } } })
      expect([name, line.error.message, line.after]).toEqual([name, 'important', { a: { b: [1] } }])
      expect([name, line.list[0]]).toEqual([name, line.one])
      expect([name, JSON.stringify(line).includes('circular')]).toEqual([name, false])
      if (['cause', 'name', 'errors'].includes(name)) expect([name, line.one.message]).toEqual([name, 'kept'])
    }
  })

  test('is written whatever its message is, and with the error that was given for fields', () => {
    const messages = [
      Object.create(null),
      Symbol('s'),
      undefined,
      null,
      5n,
      new Proxy({}, { get: () => parse({}) }),
      [],
    ]
    for (const message of messages)
      expect(parse({ after: 1 }, message as string)).toMatchObject({ message: expect.any(String), after: 1 })
    expect(parse(new Error('given for fields') as never)).toMatchObject({ error: { message: 'given for fields' } })
  })

  test('is bounded for huge numbers, symbols, names and many long texts', () => {
    const long = 'x'.repeat(1_000_000)
    const named = Object.defineProperty(() => {}, 'name', { value: long })
    const line = parse({ big: 2n ** 2_000_000n, pin: -(2n ** 2_000_000n), symbol: Symbol(long), named, [long]: 1 })
    expect(line).toMatchObject({ big: '[bigint of more than 1000 digits]', pin: '[redacted]' })
    expect(JSON.stringify(line).length).toBeLessThan(70_000)
    const many = parse({ list: Array.from({ length: 100 }, () => '_eyJ'.repeat(4_096)), error: new Error(long) })
    expect(JSON.stringify(many).length).toBeLessThan(150_000)
  })

  test('says where it was written at debug, and at info only if asked', () => {
    const here = (callSite: boolean, level: 'debug' | 'info') => {
      const lines: string[] = []
      const encode = createLineEncoder({ redactor, callSite })
      const sink = { isEnabled: () => true, write: (record: LogRecord) => void lines.push(encode(record)) }
      createLogger(sink, systemClock, 'a')[level]('m')
      return JSON.parse(lines[0]!)
    }
    const site = { module: 'test/plugins/logging/line-encoder.test.ts', function: 'here', line: expect.any(Number) }
    expect(here(false, 'debug')).toMatchObject(site)
    expect(here(true, 'info')).toMatchObject(site)
    expect(here(false, 'info')).not.toHaveProperty('module')
  })

  test('carries the request under way where asked', () => {
    const currentRequest = () => ({ requestId: 'r1', traceId: 't1' })
    const line = createLineEncoder({ redactor, callSite: false, currentRequest })({
      timeMs: 0,
      level: 'info',
      logger: 'a',
      message: 'm',
    })
    expect(JSON.parse(line)).toMatchObject({ requestId: 'r1', traceId: 't1' })
  })
})

test('never throws and is always one line of JSON, for any value', () => {
  fc.assert(
    fc.property(
      fc.object({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true }),
      fc.string(),
      (fields, message) => {
        const line = encode({ timeMs: 0, level: 'warn', logger: 'a', message, fields: fields as LogFields })
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(JSON.parse(line).level).toBe('warn')
      },
    ),
    { numRuns: 300 },
  )
})
