import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { stableKey } from '../../../plugins/cache/public.ts'
import { decode, encode } from '../../../plugins/cache/redis/serializer.ts'

// Generated values are compressed, thousands of them, on a loaded machine.
setDefaultTimeout(process.env.ARKWATCH_PROOF === '1' ? 600_000 : 120_000)

const runs = { numRuns: process.env.ARKWATCH_PROOF === '1' ? 5_000 : 300 }
const megabyte = 1_048_576

/** What Redis makes of the bytes: the place among invalidations after the first. */
const placed = (bytes: Uint8Array, at = 7) =>
  Buffer.concat([bytes.subarray(0, 1), Buffer.from(`${at}:`), bytes.subarray(1)])

describe('stable keys', () => {
  test('one meaning is one key, whatever the order of properties and items', () => {
    expect(stableKey({ a: 1, b: new Map([[1n, new Set([2, 1])]]) })).toBe(
      stableKey({ b: new Map([[1n, new Set([1, 2])]]), a: 1 }),
    )
    expect(stableKey({ a: 1, b: undefined })).toBe(stableKey({ a: 1 }))
    expect(stableKey(new Date(5))).toBe(stableKey(new Date(5)))
  })

  test('different meanings are different keys', () => {
    const values = [
      '1',
      1,
      1n,
      true,
      'true',
      null,
      'null',
      undefined,
      [1],
      ['1'],
      { a: 1 },
      [['a', 1]],
      new Map([['a', 1]]),
      new Set(['a', 1]),
      new Date(1),
      'Date(1)',
      new Uint8Array([1]),
      /1/,
      [],
      {},
      '',
    ]
    expect(new Set(values.map((value) => stableKey(value))).size).toBe(values.length)
    expect(stableKey('a', 'b')).not.toBe(stableKey('a,b'))
    expect(stableKey('a"', 'b')).not.toBe(stableKey('a', '"b'))
    expect(stableKey(JSON.parse('{"__proto__":1}'))).not.toBe(stableKey({}))
  })

  test('a key is hashed only past 200 characters, and what has no key is refused', () => {
    expect(stableKey('x'.repeat(198))).toBe(`"${'x'.repeat(198)}"`)
    expect(stableKey('x'.repeat(199))).toMatch(/^sha256:[0-9a-f]{64}$/)
    const circle: unknown[] = []
    circle.push(circle)
    for (const wrong of [() => 1, Symbol('s'), circle])
      expect(() => stableKey(wrong)).toThrow(expect.objectContaining({ code: 'CACHE_KEY_INVALID' }))
  })

  test('keys are equal exactly where JSON values are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
        expect(stableKey(a) === stableKey(b)).toBe(Bun.deepEquals(same(a), same(b)))
      }),
      runs,
    )
  })
})

describe('entries in Redis', () => {
  const times = { createdMs: 1_000, freshUntilMs: 2_000, staleUntilMs: 3_000 }

  test('keep the meaning of values, compressed or not', () => {
    const value = {
      a: [1n, undefined, new Date(5), Number.NaN, Number.NEGATIVE_INFINITY, null],
      m: new Map([['k', new Set([1])]]),
      b: new Uint8Array([1]),
      $ark: 'x',
    }
    const entry = { value, ...times, tags: ['t'] }
    for (const compressAbove of [0, megabyte]) {
      const bytes = encode(entry, 0, compressAbove, megabyte)!
      expect(bytes[0]).toBe(compressAbove === 0 ? 0x22 : 0x21)
      expect(decode(placed(bytes), 0, megabyte)).toEqual({ ...entry, at: 7, valueBytes: expect.any(Number) })
    }
    const text = { value: 'x'.repeat(100_000), ...times, tags: [] }
    expect(encode(text, 0, 4_096, megabyte)!.length).toBeLessThan(1_000)
  })

  test('any value survives, prototype keys too, and touches no prototype', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: false }),
        fc.nat(100),
        (value, compressAbove) => {
          const bytes = encode({ value, ...times, tags: [] }, 0, compressAbove, megabyte)!
          const { value: back } = decode(placed(bytes), 0, megabyte)!
          // -0 and 0 are one number in JSON, and an invalid date has no time.
          const plain = (one: unknown) => Bun.inspect(one, { depth: 20 }).replaceAll('-0', '0')
          if (!plain(value).includes('Invalid Date')) expect(plain(back)).toBe(plain(value))
        },
      ),
      runs,
    )
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')
    const bytes = placed(encode({ value: hostile, ...times, tags: [] }, 0, megabyte, megabyte)!)
    expect(decode(bytes, 0, megabyte)!.value).toEqual(hostile)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('times are those of the server: nodes whose clocks differ agree on the time left', () => {
    const bytes = placed(encode({ value: 1, ...times, tags: [] }, 3_600_000, megabyte, megabyte)!)
    expect(decode(bytes, 3_600_000, megabyte)).toMatchObject(times)
    expect(decode(bytes, 3_600_500, megabyte)).toMatchObject({ freshUntilMs: 1_500 })
  })

  test('what is foreign, of another version, damaged or a bomb is no entry, never an error', () => {
    const good = placed(encode({ value: { a: [1, 2] }, ...times, tags: ['t'] }, 0, megabyte, megabyte)!)
    expect(decode(good, 0, megabyte)).toBeDefined()
    const wrong = [
      '',
      'x',
      '!',
      '!7:{}',
      '!7',
      '"7:zz',
      '!7:[1,2,3,[],{"$ark":"no"}]',
      '!7:[1,2,3,[5],1]',
      '!x:[1,2,3,[],1]',
    ]
    for (const bytes of wrong) expect([bytes, decode(Buffer.from(bytes), 0, megabyte)]).toEqual([bytes, undefined])
    for (let version = 0; version < 256; version += 1) {
      const other = Buffer.concat([Buffer.of(version), good.subarray(1)])
      expect(decode(other, 0, megabyte) === undefined).toBe(version !== 0x21)
    }
    for (let length = 0; length < good.length; length += 1)
      expect(decode(good.subarray(0, length), 0, megabyte)).toBeUndefined()
    const bomb = placed(Buffer.concat([Buffer.of(0x22), Bun.zstdCompressSync(Buffer.alloc(50_000_000, 0x20))]))
    expect(decode(bomb, 0, megabyte)).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decode(bytes, 0, megabyte)
      }),
      runs,
    )
    expect(encode({ value: 'x'.repeat(2_000), ...times, tags: [] }, 0, 4_096, 1_000)).toBeUndefined()
  })
})
