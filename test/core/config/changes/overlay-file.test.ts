import { describe, expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { overlayFile, overlayText, readOverlay, writeOverlay } from '../../../../core/config/changes/overlay-file.ts'
import { mergePatch, withoutEmptied } from '../../../../core/config/tree/json-merge-patch.ts'

const newData = () => join(mkdtempSync(join(tmpdir(), 'arkwatch-overlay-')), 'data')
const codeOf = (call: () => unknown) => {
  try {
    call()
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each<[string, object, object, object]>([
  ['the last setting of a section', { plugins: { cache: { ttl: '60s' } } }, { plugins: { cache: { ttl: null } } }, {}],
  [
    'one of two settings',
    { plugins: { cache: { ttl: '60s', max: 1 }, pool: {} } },
    { plugins: { cache: { ttl: null } } },
    { plugins: { cache: { max: 1 }, pool: {} } },
  ],
  ['nothing of an empty section', { plugins: { pool: {} } }, { plugins: { pool: {} } }, { plugins: { pool: {} } }],
  ['a section that it names for the first time', {}, { plugins: { pool: { url: null } } }, {}],
])('a patch that returns %s leaves no empty section, which would turn a plugin on', (_, overlay, patch, left) => {
  expect(withoutEmptied(mergePatch(overlay as never, patch as never), patch as never)).toEqual(left as never)
})

describe('a patch', () => {
  test.each<[string, unknown, unknown, unknown]>([
    ['replaces', { a: 'b' }, { a: 'c' }, { a: 'c' }],
    ['adds', { a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    ['takes away', { a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    ['replaces a list whole', { a: ['b'] }, { a: ['c', 'd'] }, { a: ['c', 'd'] }],
    ['merges deep', { a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    ['drops nulls of what is new', {}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%s', (_, target, patch, expected) =>
    expect(mergePatch(target as never, patch as never)).toEqual(expected as never),
  )

  test('is CONFIG_PATCH when it is no map, too deep, too large, or reaches into prototypes', () => {
    let deep: unknown = 1
    for (let level = 0; level < 40; level += 1) deep = { deep }
    for (const patch of [1, 'x', [1], null, deep, JSON.parse('{"a":{"__proto__":{"x":1}}}'), { constructor: { x: 1 } }])
      expect(codeOf(() => mergePatch({}, patch as never))).toBe('CONFIG_PATCH')
    expect(codeOf(() => overlayText({ a: 'x'.repeat(300_000) }))).toBe('CONFIG_PATCH')
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  test.each([10, 1_000])('of %d values is written and read again as it is, by the runtime and as YAML', (count) => {
    const data = newData()
    const labels = Object.fromEntries(Array.from({ length: count - 3 }, (_, at) => [`label_${at}`, 'no']))
    const value = mergePatch({}, { plugins: { metrics: labels } })
    const text = overlayText(value)
    writeOverlay(data, text)
    expect(readOverlay(data)).toMatchObject({ text, value })
    expect(parse(text)).toEqual(value)
  })

  test('of more than a thousand values is refused, and so is an overlay that many patches made', () => {
    const labels = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`label_${from + at}`, 'x']))
    expect(codeOf(() => mergePatch({}, labels(0, 1_000)))).toBe('CONFIG_PATCH')
    const half = mergePatch({}, labels(0, 600))
    expect(codeOf(() => overlayText(mergePatch(half, labels(600, 600))))).toBe('CONFIG_PATCH')
  })

  test('an overlay that is not a map is DATA_FILE_DAMAGED, without a word of its text', () => {
    const data = newData()
    for (const text of ['password: "x', '- password', 'password']) {
      writeOverlay(data, text)
      expect(() => readOverlay(data)).toThrow(`cannot use ${overlayFile(data)}: it is not a map in YAML`)
      expect(codeOf(() => readOverlay(data))).toBe('DATA_FILE_DAMAGED')
    }
  })

  test('an overlay that is not there is empty', () =>
    expect(readOverlay('/nowhere')).toMatchObject({ text: '', value: {} }))
})
