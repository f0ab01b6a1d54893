import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { duration, secret, size, z } from 'arkwatch/plugin'
import type { AnyPlugin } from '../../core/contract/definition.ts'
import { catalog } from '../../plugins/catalog.ts'
import { withOptions } from '../../scripts/generate/documents.ts'
import { optionTable } from '../../scripts/generate/option-table.ts'

const rows = (schema: z.ZodType) => optionTable(schema).split('\n').slice(2)

const cases: [what: string, schema: z.ZodType, row: string][] = [
  [
    'a duration with its default as written',
    duration().prefault('15s').describe('How often.'),
    '| `x` | duration | `15s` | How often. |',
  ],
  ['a size', size().prefault('64MiB').describe('S.'), '| `x` | size | `64MiB` | S. |'],
  ['a secret without a value', secret().optional().describe('S.'), '| `x` | secret |  | S. |'],
  ['an integer with bounds', z.int().min(1).max(9).default(2).describe('N.'), '| `x` | integer 1 to 9 | `2` | N. |'],
  ['an integer without an upper bound', z.int().min(0).describe('N.'), '| `x` | integer from 0 | required | N. |'],
  ['a choice', z.enum(['a', 'b']).default('a').describe('C.'), '| `x` | `a`, `b` | `a` | C. |'],
  ['an empty text', z.string().default('').describe('T | U.'), '| `x` | text | `""` | T \\| U. |'],
  ['a list', z.array(z.string()).default([]).describe('L.'), '| `x` | list of text | `[]` | L. |'],
]

test.each(cases)('a row shows %s', (_, schema, row) => {
  expect(rows(z.strictObject({ x: schema }))).toEqual([row])
})

test('sections and maps are followed by what is in them, with dotted keys', () => {
  const schema = z.strictObject({
    outer: z
      .strictObject({ inner: z.boolean().default(true).describe('I.') })
      .prefault({})
      .describe('O.'),
    named: z
      .record(z.string(), z.strictObject({ port: z.int().describe('P.') }))
      .default({})
      .describe('M.'),
  })
  expect(rows(schema).map((row) => row.split('`')[1] as string)).toEqual([
    'outer',
    'outer.inner',
    'named',
    'named.NAME.port',
  ])
})

test('an option that only some kinds of a union have names them', () => {
  const common = { every: duration().prefault('15s').describe('E.') }
  const schema = z.strictObject({
    checks: z
      .record(
        z.string(),
        z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('tcp').describe('K.'), ...common, port: z.int().describe('P.') }),
          z.strictObject({ kind: z.literal('disk').describe('K.'), ...common }),
        ]),
      )
      .describe('C.'),
  })
  const [, kind, every, port] = rows(schema)
  expect(kind).toContain('`tcp`, `disk`')
  expect(every).toBe('| `checks.NAME.every` | duration | `15s` | E. |')
  expect(port).toContain('| (tcp) P. |')
})

describe('the presets of an environment', () => {
  const schema = z.strictObject({
    size: z.int().min(1).default(10).describe('S.'),
    console: z.strictObject({ format: z.enum(['auto', 'json']).default('auto').describe('F.') }).describe('C.'),
  })

  test('follow the default of their option, unless they are equal to the default', () => {
    const presets = {
      testing: { size: 2 },
      staging: { size: 10 },
      production: { size: 20, console: { format: 'json' } },
    }
    const [size, , format] = optionTable(schema, presets).split('\n').slice(2)
    expect(size).toBe('| `size` | integer from 1 | `10`; `2` in testing; `20` in production | S. |')
    expect(format).toBe('| `console.format` | `auto`, `json` | `auto`; `json` in production | F. |')
  })

  test('stand in the README of each plugin that has presets', async () => {
    const plugins = await Promise.all(
      Object.entries(catalog).map(async ([name, load]) => ({ name, plugin: (await load()).default as AnyPlugin })),
    )
    const lacking = plugins.flatMap(({ name, plugin: { presets = {} } }) => {
      const readme = readFileSync(join(import.meta.dir, `../../plugins/${name}/README.md`), 'utf8')
      return Object.keys(presets)
        .filter((environment) => !readme.includes(` in ${environment}`))
        .map((environment) => `${name}: ${environment}`)
    })
    expect(lacking).toEqual([])
  })

  test('of what is not an option are refused', () => {
    expect(() => optionTable(schema, { testing: { sise: 2 } })).toThrow('the preset testing sets sise')
  })
})

test('the table replaces what is between the marks, and twice is the same as once', () => {
  const schema = z.strictObject({ x: z.boolean().describe('X.') })
  const page = 'before\n<!-- options:start -->\nold\n<!-- options:end -->\nafter\n'
  const once = withOptions(page, schema, 'README.md')
  expect(once).not.toContain('old')
  expect(once).toStartWith('before\n')
  expect(once).toEndWith('\nafter\n')
  expect(withOptions(once, schema, 'README.md')).toBe(once)
  expect(() => withOptions('no marks', schema, 'README.md')).toThrow('README.md has no <!-- options:start -->')
})
