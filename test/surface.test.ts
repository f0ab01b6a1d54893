import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brokenLines, unannounced } from '../scripts/generate/surface/changes.ts'
import { configKeys } from '../scripts/generate/surface/config-keys.ts'

const root = join(import.meta.dir, '..')
const file = 'docs/surface.txt'
const folder = join(root, 'changelog.d')
const fragments = readdirSync(folder).filter((name) => name !== 'README.md')

/** @returns what git prints; undefined where it fails, as outside of a repository */
function git(...args: string[]): string | undefined {
  try {
    const { success, stdout } = Bun.spawnSync(['git', ...args], { cwd: root, stdin: 'ignore', stderr: 'ignore' })
    return success ? stdout.toString() : undefined
  } catch {
    return undefined
  }
}

/** The surface of the last release, or of the first commit that recorded one. */
function baseline(): string | undefined {
  const tag = git('describe', '--tags', '--abbrev=0')?.trim()
  const released = tag === undefined ? undefined : git('show', `${tag}:${file}`)
  if (released !== undefined) return released
  const first = git('log', '--diff-filter=A', '--format=%H', '--reverse', '--', file)?.split('\n')[0]
  return first === undefined || first === '' ? undefined : git('show', `${first}:${file}`)
}

describe('the changelog', () => {
  test('has fragments of the types that its README lists', () => {
    const [, listed = ''] = /Types:([^.]*)\./.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    const types = [...listed.matchAll(/`(\w+)`/g)].map(([, type]) => type)
    expect(types).toContain('breaking')
    expect(fragments.filter((name) => !types.some((type) => name.endsWith(`.${type}.md`)))).toEqual([])
  })

  test('announces every line of the surface that went or changed since the last release', () => {
    const before = baseline()
    // An archive of the source has no history to compare with.
    if (before === undefined) return
    const breaking = fragments.filter((name) => name.endsWith('.breaking.md'))
    const texts = breaking.map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(unannounced(brokenLines(before, readFileSync(join(root, file), 'utf8')), texts)).toEqual([])
  })
})

describe('the check of the surface', () => {
  const before = '# Exit codes\n\nexit ok: 0\nexit usage: 64\nmetric up: gauge\nmetric up_total: counter\n'

  test('finds lines that went or changed, not those that came or the headings', () => {
    const after = '# Codes\n\nexit ok: 0\nexit usage: 2\nexit new: 3\nmetric up_total: counter\n'
    expect(brokenLines(before, after)).toEqual(['exit usage: 64', 'metric up: gauge'])
    expect(brokenLines(before, `${before}exit new: 3\n`)).toEqual([])
  })

  test('takes a line for announced when a fragment quotes it, or its beginning', () => {
    const lines = ['config plugins.pool.size: integer', 'metric up: gauge', 'metric up_total: counter']
    expect(unannounced(lines, [])).toEqual(lines)
    expect(unannounced(lines, ['Gone: `config plugins.pool`, `metric up: gauge`.'])).toEqual([
      'metric up_total: counter',
    ])
  })

  test('does not take the beginning of a word, or a kind alone, for the name of a line', () => {
    const lines = ['metric up_total: counter']
    expect(unannounced(lines, ['`metric up` and `metric`, and metric up_total: counter'])).toEqual(lines)
  })
})

test('the keys of a configuration are read through names that users choose, elements and alternatives', () => {
  const size = { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\$\\{' }] }
  const pool = { type: 'object', properties: { size, driver: { enum: ['bun', 'postgres'] } } }
  const pools = { anyOf: [{ type: 'object', additionalProperties: pool }, { type: 'null' }] }
  const deny = { type: 'array', items: { type: 'string' } }
  expect(configKeys({ type: 'object', properties: { pools, deny } })).toEqual([
    'pools: null | object',
    'pools.*: object',
    'pools.*.size: integer',
    'pools.*.driver: "bun" | "postgres"',
    'deny: array',
    'deny[]: string',
  ])
})
