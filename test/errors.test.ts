import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { errorModules, errorSections } from '../scripts/generate/error-docs.ts'

const root = join(import.meta.dir, '..')
const codes = (await errorSections(root)).flatMap(({ table }) => Object.keys(table)).sort()

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

  test('every code is raised by at least one test', async () => {
    expect(missingFrom(await textOf('test/**/*.test.ts', () => true))).toEqual([])
  })

  test('every code is in upper snake case', () => {
    expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(code))).toEqual([])
  })
})
