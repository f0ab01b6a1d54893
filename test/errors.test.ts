import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redactMessage } from '../core/contract/redact/redactor.ts'
import { errorModules, errorSections } from '../scripts/generate/error-docs.ts'
import { errorExamples } from '../scripts/generate/error-examples.ts'
import { neverRaised } from '../scripts/never-raised.ts'

const root = join(import.meta.dir, '..')
const sections = await errorSections(root)
const codes = sections.flatMap(({ table }) => Object.keys(table)).sort()

/** The text of every file of a pattern, in one. */
async function textOf(pattern: string, isWanted: (file: string) => boolean): Promise<string> {
  const files = [...new Bun.Glob(pattern).scanSync({ cwd: root })].filter(isWanted)
  return (await Promise.all(files.map((file) => Bun.file(join(root, file)).text()))).join('\n')
}

const missingFrom = (text: string) => codes.filter((code) => !new RegExp(`\\b${code}\\b`).test(text))

describe('error codes', () => {
  test('every code is documented, and every documented code exists', async () => {
    const page = await Bun.file(join(root, 'docs/errors.md')).text()
    const documented = [...page.matchAll(/^### (\S+)$/gm)].map(([, code]) => code as string)
    expect(documented.sort()).toEqual(codes)
  })

  test('every text with a placeholder for a part of a sentence has an example in the page', () => {
    const entries = sections.flatMap(({ table }) => Object.entries(table))
    const unclear = entries.filter(([, { message, help }]) => /[\w}]\{\w+\}/.test(`${message} ${help}`))
    expect(unclear.map(([code]) => code).filter((code) => !(code in errorExamples))).toEqual([])
    const placeholders = (code: string) =>
      [...entries.find(([known]) => known === code)![1].message.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
    for (const [code, details] of Object.entries(errorExamples))
      expect(Object.keys(details)).toEqual(expect.arrayContaining(placeholders(code)))
  })

  test('no text of a table loses a word to the redactor', () => {
    const texts = sections.flatMap(({ table }) => Object.values(table).flatMap(({ message, help }) => [message, help]))
    expect(texts.filter((text) => redactMessage(text) !== text)).toEqual([])
  })

  test('each code stands in the section of its owner', async () => {
    const page = await Bun.file(join(root, 'docs/errors.md')).text()
    const documented = page.split(/^## /m).slice(1)
    expect(
      documented.map((section) => [
        section.split('\n')[0],
        [...section.matchAll(/^### (\S+)$/gm)].map(([, code]) => code),
      ]),
    ).toEqual(sections.map(({ owner, table }) => [owner, Object.keys(table).sort()]))
  })

  test.each([
    ['core', 'core/contract/errors.ts', 'PLUGIN_INVALID'],
    ['core', 'core/config/errors.ts', 'CONFIG_INVALID'],
    ['cli', 'cli/errors.ts', 'CLI_USAGE'],
    ['pool', 'plugins/pool/errors.ts', 'POOL_TIMEOUT'],
    ['admin', 'plugins/admin/errors.ts', 'ADMIN_FORBIDDEN'],
  ])('%s owns the codes of %s', (owner, _, code) => {
    expect(sections.filter(({ table }) => code in table).map((section) => section.owner)).toEqual([owner])
  })

  test('every code is raised somewhere', async () => {
    const tables = new Set(await errorModules(root))
    // A table that shares its file with the code that raises from it names each code twice.
    const shared = await textOf('{core,plugins,cli,testing}/**/*.ts', (file) => tables.has(file))
    const others = await textOf(
      '{core,plugins,cli,testing,.}/**/*.ts',
      (file) => !tables.has(file) && !/^(node_modules|test|scripts|examples|data)\//.test(file),
    )
    const raisedBeside = (code: string) => (shared.match(new RegExp(`\\b${code}\\b`, 'g')) ?? []).length > 1
    expect(missingFrom(others).filter((code) => !raisedBeside(code))).toEqual([])
  })

  test('every code is named by at least one test', async () => {
    expect(missingFrom(await textOf('test/**/*.test.ts', () => true))).toEqual([])
  })

  test('a code that is only named and never raised fails a run of all tests', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkwatch-raised-'))
    try {
      expect(await neverRaised(root, folder)).toEqual(codes)
      await Bun.write(join(folder, '1'), codes.slice(2).join('\n'))
      await Bun.write(join(folder, '2'), `${codes[0]}\nUNKNOWN\n`)
      expect(await neverRaised(root, folder)).toEqual([codes[1]!])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('a program that records what it raises writes each code once, also after a collection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkwatch-raised-'))
    const script = `import { coreError } from '${join(root, 'core/contract/errors.ts')}'
      coreError('PLUGIN_INVALID'); Bun.gc(true); coreError('PLUGIN_INVALID'); coreError('DATA_IN_USE')`
    try {
      const env = { ...process.env, ARKWATCH_TEST_RAISED_DIR: folder }
      const preload = `--preload=${join(root, 'test/support/raised-codes.ts')}`
      const child = Bun.spawnSync([process.execPath, preload, '-e', script], { env })
      expect(child.stderr.toString()).toBe('')
      expect(await Bun.file(join(folder, String(child.pid))).text()).toBe('PLUGIN_INVALID\nDATA_IN_USE\n')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('every code is in upper snake case', () => {
    expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(code))).toEqual([])
  })
})
