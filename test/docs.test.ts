import { describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { loadConfig } from '../core/config/load.ts'
import { systemClock } from '../core/process/clock.ts'
import { catalog } from '../plugins/catalog.ts'
import { environmentOverlays } from '../plugins/environment.ts'
import { MetricStore } from '../plugins/metrics/storage/store.ts'
import { blocksOf, type DocBlock, docBlocks } from './support/doc-blocks.ts'

const root = join(import.meta.dir, '..')

/** Runs `use` in a folder where the project's packages resolve. */
async function inTemporaryFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'arkwatch-docs-'))
  try {
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
    return await use(dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** The settings that docs/embedding.md asks for, which are looser than the project's: its `lib` has the browser's types. */
const { compilerOptions } = JSON.parse(
  blocksOf(readFileSync(join(root, 'docs/embedding.md'), 'utf8'), 'docs/embedding.md').find(
    ({ language }) => language === 'json',
  )!.text,
)
const { paths } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions as {
  paths: Record<string, [string]>
}

/** One run of tsc over all blocks; each becomes a module whose lines are numbered as in its page. @returns its output */
const typeErrors = (blocks: readonly DocBlock[]) =>
  inTemporaryFolder(async (dir) => {
    const absolute = Object.entries(paths).map(([name, [path]]) => [name, [join(root, path)]])
    const jsx = { jsx: 'react-jsx', jsxImportSource: 'hono/jsx' }
    const config = {
      compilerOptions: { ...compilerOptions, ...jsx, paths: Object.fromEntries(absolute) },
      ...{ include: ['**/*.ts', '**/*.tsx'], exclude: ['node_modules'] },
    }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config))
    for (const { file, line, language, text } of blocks) {
      const path = join(dir, `${file}.${line}.${language}`)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `${'\n'.repeat(line - 1)}${text}export {}\n`)
    }
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    const child = Bun.spawn([tsc, '--noEmit', '--pretty', 'false', '--singleThreaded', '-p', dir], {
      cwd: dir,
      stdout: 'pipe',
      stderr: 'pipe',
    })
    return `${await new Response(child.stdout).text()}${await new Response(child.stderr).text()}`
  })

/** What `arkwatch check` would say about a block. */
const configErrors = ({ file, line, text }: DocBlock) =>
  inTemporaryFolder(async (dir) => {
    writeFileSync(join(dir, 'config.yaml'), text)
    try {
      await loadConfig({ file: 'config.yaml', env: {}, catalog, overlays: environmentOverlays, cwd: dir })
      return []
    } catch (thrown) {
      const { details } = thrown as { details?: { problems?: { line?: number; message: string }[] } }
      const problems = details?.problems ?? [{ message: String(thrown) }]
      return problems.map((problem) => `${file}:${line + (problem.line ?? 1) - 1}: ${problem.message}`)
    }
  })

const isConfig = ({ text }: DocBlock) => {
  const value = parse(text, { logLevel: 'silent' }) as unknown
  return typeof value === 'object' && value !== null && 'plugins' in value
}

/** The headings of a page as GitHub links to them. */
const headingsOf = (file: string): ReadonlySet<string> =>
  new Set(
    [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )

/** A page with two mistakes. */
const page = [
  'text',
  '```ts',
  "const port: number = 'x'",
  '```',
  '  ```yaml',
  '  plugins: { helth: {} }',
  '  ```',
].join('\n')

describe('the documents', () => {
  test('hold TypeScript that type-checks against the published entries, unlike a wrong block among them', async () => {
    const blocks = await docBlocks(root, ['ts', 'tsx'])
    expect(blocks.length).toBeGreaterThan(0)
    const [wrong] = blocksOf(page, 'a.md')
    expect(await typeErrors([...blocks, wrong!])).toMatch(/^a\.md\.3\.ts\(3,7\): error [^\n]+\n$/)
  }, 120_000)

  test('hold metrics that one process can register together, page by page', async () => {
    const call = /\.(counter|gauge|histogram|summary)\(\{\s*name: '(\w+)',([^}]*)\}/g
    const stores = new Map<string, MetricStore>()
    for (const { file, text } of await docBlocks(root, ['ts'])) {
      const store = stores.get(file) ?? new MetricStore(systemClock)
      stores.set(file, store)
      for (const [, type, name, rest] of text.matchAll(call)) {
        const labels = /labels: \[([^\]]*)\]/.exec(rest!)?.[1]?.match(/\w+/g) ?? []
        store[type as 'gauge']({ name: name!, help: 'h', labels, ...(type === 'histogram' && { buckets: [1] }) })
      }
    }
    expect(stores.size).toBeGreaterThan(3)
  })

  test('hold configurations without a mistake', async () => {
    const blocks = (await docBlocks(root, ['yaml'])).filter(isConfig)
    expect(blocks.length).toBeGreaterThan(0)
    expect((await Promise.all(blocks.map(configErrors))).flat()).toEqual([])
  }, 60_000)

  test('link to files and headings that exist', async () => {
    const broken: string[] = []
    for (const pattern of ['*.md', 'docs/**/*.md', 'plugins/*/README.md', 'examples/**/*.md', 'deploy/**/*.md']) {
      for (const file of new Bun.Glob(pattern).scanSync({ cwd: root })) {
        if (file.includes('node_modules')) continue
        const page = (await Bun.file(join(root, file)).text()).replace(/^(\s*)(```|~~~)[\s\S]*?^\1\2/gm, '')
        for (const [, target = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) {
          if (/^[a-z]+:/.test(target)) continue
          const [path = '', heading] = target.split('#')
          const linked = join(root, path === '' ? file : join(dirname(file), path))
          if (!existsSync(linked) || (heading !== undefined && !headingsOf(linked).has(heading)))
            broken.push(`${file}: ${target}`)
        }
      }
    }
    expect(broken).toEqual([])
  })
})

describe('the check of the documents', () => {
  test('finds blocks with their line, also indented ones', () => {
    expect(blocksOf(page, 'a.md')).toEqual([
      { file: 'a.md', line: 3, language: 'ts', text: "const port: number = 'x'\n" },
      { file: 'a.md', line: 6, language: 'yaml', text: 'plugins: { helth: {} }\n' },
    ])
  })

  test('names page and line of a wrong configuration', async () => {
    const [, wrong] = blocksOf(page, 'a.md')
    const [problem] = await configErrors(wrong as DocBlock)
    expect(problem).toStartWith('a.md:6: ')
    expect(problem).toContain('helth')
  })
})
