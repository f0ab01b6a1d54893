/** The picture in docs/architecture.md: which directory imports which, as Mermaid flowcharts drawn from the real imports. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importsOf, resolve } from '../../test/support/imports.ts'

const sources = '{core,plugins,cli,testing}/**/*.{ts,tsx}'

/** The box of a file: a room of core, an entry point, a plugin, or the folder above. */
function boxOf(path: string): string | undefined {
  const [top, second, third] = path.split('/')
  if (path === 'index.ts') return 'arkwatch'
  if (top === 'core') return third === undefined ? (shells[second!] ?? 'runtime') : second
  if (top === 'plugins') return third === undefined ? undefined : `plugin:${second}`
  return top === 'cli' || top === 'testing' ? top : undefined
}

const shells: Readonly<Record<string, string | undefined>> = {
  'plugin.ts': 'arkwatch/plugin',
  'worker.ts': 'arkwatch/worker',
  'main.ts': 'main',
  'exit-codes.ts': 'contract',
  'version.ts': 'contract',
}

/** @returns the boxes that each box imports, both sorted */
export function importMap(root: string): ReadonlyMap<string, readonly string[]> {
  const arrows = new Map<string, Set<string>>()
  for (const path of ['index.ts', ...new Bun.Glob(sources).scanSync({ cwd: root })]) {
    const from = boxOf(path)
    if (from === undefined) continue
    for (const specifier of importsOf({ path, text: readFileSync(join(root, path), 'utf8') }).all) {
      const to = boxOf(resolve(path, specifier))
      if (to === undefined || to === from) continue
      if (!arrows.has(from)) arrows.set(from, new Set())
      arrows.get(from)!.add(to)
    }
  }
  return new Map([...arrows].sort().map(([from, to]) => [from, [...to].sort()]))
}

const chart = (arrows: Iterable<readonly [string, readonly string[]]>): string => {
  const id = (box: string) => box.replace(/\W/g, '_')
  const label = (box: string) => box.replace(/^plugin:/, '')
  const lines = [...arrows].flatMap(([from, to]) =>
    to.map((each) => `  ${id(from)}["${label(from)}"] --> ${id(each)}["${label(each)}"]`),
  )
  return ['```mermaid', 'flowchart TD', ...lines, '```'].join('\n')
}

const isPlugin = (box: string) => box.startsWith('plugin:')

/** @returns two charts: the rooms of core with what stands on them, and who imports the `api.ts` of whom */
export function importPicture(root: string): string {
  const arrows = [...importMap(root)]
  const core = arrows
    .filter(([from]) => !isPlugin(from) && from !== 'cli' && from !== 'testing')
    .map(([from, to]) => [from, to.filter((each) => !isPlugin(each))] as const)
  const plugins = arrows
    .filter(([from]) => isPlugin(from))
    .map(([from, to]) => [from, to.filter((each) => isPlugin(each))] as const)
  return `${chart(core)}\n\n${chart(plugins)}`
}
