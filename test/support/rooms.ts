/** PURE. Which room may look into which: the folders of core, the two doors, the faces of plugins. */
import { type Imports, resolve, type SourceFile } from './imports.ts'

export type RoomRule =
  | 'imports-beyond-row'
  | 'core-imports-door'
  | 'plugin-around-door'
  | 'api-implements'
  | 'circle'
  | 'flat-folder'

export interface RoomViolation {
  readonly rule: RoomRule
  readonly path: string
  readonly what: string
}

const doors = ['core/plugin.ts', 'core/worker.ts']
export const isDoor = (path: string): boolean => doors.includes(path)
const mostFiles = 16
const product = /^(core|plugins|cli|testing)\/|^index\.ts$/

/** The circles of a graph: its strongly connected parts of two nodes or more (Tarjan). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (node: string): void => {
    index.set(node, index.size)
    low.set(node, index.get(node)!)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!))
    }
    if (low.get(node) !== index.get(node)) return
    const part = stack.splice(stack.indexOf(node))
    if (part.length > 1) found.push(part.sort())
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return found
}

/** The rows of the table in docs/architecture.md: which files of the project may be imported by which, besides their own row. */
const rows: readonly (readonly [who: RegExp, may: RegExp])[] = [
  [/^core\/contract\//, /^core\/contract\//],
  [/^core\/process\//, /^core\/(process|contract)\//],
  [/^core\/config\//, /^core\/(config|contract|process)\//],
  [/^core\/requests\//, /^core\/(requests|contract|process)\//],
  [/^core\/http\//, /^core\/(http|contract|process)\//],
  [/^core\/lifecycle\//, /^core\/(lifecycle|contract|process|config)\//],
  [/^core\/control\//, /^core\/(control|contract|process|config|http)\//],
  [/^plugins\/catalog\.ts$/, /^core\/(plugin|worker)\.ts$|^plugins\/[^/]+\/index\.ts$/],
  [/^plugins\/(environment|host-options|server-url)\.ts$/, /^core\/(plugin|worker)\.ts$|^plugins\/server-url\.ts$/],
  [/^cli\//, /^(core|cli)\/|^plugins\/(catalog|environment|[^/]+\/api|audit\/errors|audit\/chain\/verify-export)\.ts$/],
  [/^testing\//, /^(core|testing)\/|^plugins\/catalog\.ts$/],
  [/^index\.ts$/, /^core\/|^plugins\/(catalog|environment|[^/]+\/api)\.ts$/],
]

/** Whether the row of a file forbids what it imports; the command line may name the types of every plugin. */
const isBeyondRow = (path: string, target: string, isType: boolean): boolean =>
  rows.some(([who, may]) => who.test(path) && !may.test(target)) &&
  !(isType && path.startsWith('cli/') && target.startsWith('plugins/'))

/** @returns every breach, by path */
export function roomViolations(
  files: readonly SourceFile[],
  imports: ReadonlyMap<string, Imports>,
): readonly RoomViolation[] {
  const found: RoomViolation[] = []
  const known = new Set(files.map(({ path }) => path))
  const graph = new Map<string, readonly string[]>()
  const folders = new Map<string, number>()
  for (const { path } of files) {
    const { all, values } = imports.get(path)!
    const targets = all.map((specifier) => resolve(path, specifier))
    const code = new Set(values.map((specifier) => resolve(path, specifier)))
    if (product.test(path))
      graph.set(
        path,
        targets.filter((target) => known.has(target)),
      )
    const folder = path.slice(0, path.lastIndexOf('/'))
    if (/^(core|plugins|cli|testing|test)\b/.test(folder)) folders.set(folder, (folders.get(folder) ?? 0) + 1)
    for (const target of targets) {
      const what = `imports ${target}`
      if (path.startsWith('core/') && !isDoor(path) && isDoor(target))
        found.push({ rule: 'core-imports-door', path, what })
      else if (
        (path.startsWith('core/') ? /^core\// : product).test(target) &&
        isBeyondRow(path, target, !code.has(target))
      )
        found.push({ rule: 'imports-beyond-row', path, what })
      if (path.startsWith('plugins/') && target.startsWith('core/') && !isDoor(target))
        found.push({ rule: 'plugin-around-door', path, what: `imports ${target}: take it from core/plugin.ts` })
    }
    if (!/^plugins\/[^/]+\/api\.ts$/.test(path)) continue
    for (const target of values.map((specifier) => resolve(path, specifier))) {
      if (target.startsWith('plugins/') && !target.endsWith('/api.ts'))
        found.push({ rule: 'api-implements', path, what: `brings ${target}: an api.ts holds types, tokens and points` })
    }
  }
  for (const circle of circles(graph)) found.push({ rule: 'circle', path: circle[0]!, what: circle.join(' - ') })
  for (const [folder, count] of folders) {
    if (count > mostFiles) found.push({ rule: 'flat-folder', path: folder, what: `${count} files: make rooms` })
  }
  return found
}
