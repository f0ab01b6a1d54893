import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { ConfigError } from '../../../core/config/errors.ts'
import { type LoadOptions, loadConfig } from '../../../core/config/load.ts'
import { catalog } from './support.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkwatch-fuzz-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const canary = 'c4n4ry'
const valid = `environment: production
server: &s
  host: 127.0.0.1
  port: \${env:PORT:-8080}
  limits: { body: 1MiB, url: 8192 }
workers: { maxThreads: 2 }
plugins:
  watcher:
    level: info
    every: 15s
    tags: [a, "b", 'c']
    sink: { file: x }
    checks:
      a: { kind: sql, url: "x", every: 15s }
      b:
        kind: http
        headers:
          - a
  other: {}
`
const bits = [
  '${',
  '}',
  '${env:X}',
  '$$',
  ': ',
  '- ',
  '\n',
  '  ',
  '&a ',
  '*a',
  '*s',
  '"',
  "'",
  '[',
  ']',
  '{',
  '? ',
  '!!str ',
]
const more = [
  'null',
  '~',
  '|\n',
  '>-\n',
  '#',
  '\t',
  '---\n',
  '__proto__: 1\n',
  '<<: *s\n',
  '1e999',
  '.nan',
  '\u0000',
  '\uFEFF',
  '%',
  '@',
]

const mutation = fc.record({
  at: fc.nat(valid.length),
  cut: fc.integer({ min: 0, max: 12 }),
  put: fc.oneof(fc.constantFrom(...bits, ...more), fc.string({ maxLength: 6 })),
})

async function outcome(options: Partial<LoadOptions>): Promise<string> {
  try {
    await loadConfig({ env: { PORT: '1' }, catalog, overlays: [], cwd: folder, ...options })
    return ''
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigError)
    const error = thrown as ConfigError
    expect(error.problems.length).toBeGreaterThan(0)
    for (const { line, column, message } of error.problems) {
      expect([(line ?? 1) >= 1, (column ?? 1) >= 1, message.length > 0]).toEqual([true, true, true])
    }
    return error.formatProblems()
  }
}

test('a mutated file loads or gives problems, and never anything else', async () => {
  const file = join(folder, 'config.yaml')
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 5 }), async (mutations) => {
      const text = mutations.reduce((all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut), valid)
      writeFileSync(file, text)
      await outcome({ file })
    }),
    { numRuns: process.env.ARKWATCH_PROOF === '1' ? 400 : 150 },
  )
}, 30_000)

test('any object loads or gives problems, and never anything else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.anything({ maxDepth: 4, withNullPrototype: true, withMap: true, withDate: true }),
      async (value) => {
        await outcome({ object: value })
        await outcome({ object: { plugins: { watcher: value } } })
      },
    ),
    { numRuns: 300 },
  )
}, 30_000)

test('a secret is in no problem, however the lines around it are spoilt', async () => {
  const file = join(folder, 'secret.yaml')
  const text = `plugins:\n  watcher:\n    token: "${canary}"\n    checks: { a: { kind: sql, url: "${canary}" } }\n`
  const isKey = new RegExp(`${canary}"?\\s*:`)
  const spot = fc.record({
    at: fc.nat(text.length),
    put: fc.constantFrom(...bits.filter((bit) => !bit.includes('${'))),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(spot, { minLength: 1, maxLength: 2 }), async (spots) => {
      // Only between lines and tokens: inside the word it is another word, and before a colon it is a key, which is named.
      const spoilt = spots.reduce((all, { at, put }) => all.slice(0, at) + put + all.slice(at), text)
      if (!spoilt.includes(canary) || isKey.test(spoilt)) return
      writeFileSync(file, spoilt)
      expect(await outcome({ file })).not.toContain(canary)
    }),
    { numRuns: 300 },
  )
}, 30_000)
