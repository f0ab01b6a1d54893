/** One YAML file as an expanded tree with positions. */
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Node as YamlNode } from 'yaml'
import type { ConfigProblem } from '../../contract/config-problem.ts'
import { problem } from '../errors.ts'
import type { Source } from '../types.ts'
import { expand, typed } from './expand.ts'
import { emptyTree, type Node, type Path, showKey } from './node.ts'

/** Aliases resolved. */
export const maxNodes = 100_000
const maxDepth = 100

/** One reading of a configuration: its variables, and the problems and files that were found. */
export interface Reading {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly problems: ConfigProblem[]
  /** Absolute paths of every file that was read. */
  readonly files: Set<string>
}

/** @param kind an overlay is taken literally */
export function parseYaml(text: string, file: string, kind: 'file' | 'overlay', reading: Reading): Node {
  const { env, problems, files } = reading
  const lines = new LineCounter()
  const sourceAt = (offset: number): Source => {
    const { line, col } = lines.linePos(offset)
    return { kind, file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const wrong = (what: string, source: Source) => problems.push(problem('CONFIG_SYNTAX', { what }, [], source))
  let count = 0

  const scalar = (value: unknown, plain: boolean, path: Path, source: Source): Node => {
    if (typeof value !== 'string' || kind === 'overlay' || !value.includes('$'))
      return { kind: 'scalar', source, value }
    const expansion = expand(value, file, env)
    for (const each of expansion.files) files.add(each)
    for (const each of expansion.failures) problems.push(problem(each.code, each, path, source))
    if (expansion.failures.length > 0) return { kind: 'scalar', source, value: expansion.text, broken: true }
    const hidden = expansion.files.length > 0 && { hidden: true as const }
    if (!plain || !expansion.whole) return { kind: 'scalar', source, value: expansion.text, ...hidden }
    return { kind: 'scalar', source, value: typed(expansion.text), text: expansion.text, ...hidden }
  }

  const convert = (node: YamlNode | null, path: Path, parent: Source): Node => {
    const source = node?.range ? sourceAt(node.range[0]) : parent
    count += 1
    if (count > maxNodes || path.length > maxDepth) {
      if (count === maxNodes + 1 || path.length === maxDepth + 1) {
        wrong(`more than ${maxNodes} values, or nested deeper than ${maxDepth}`, source)
      }
      return { kind: 'scalar', source, value: null, broken: true }
    }
    if (node === null) return { kind: 'scalar', source, value: null }
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target !== undefined) return convert(target, path, source)
      wrong('an alias without its anchor', source)
      return { kind: 'scalar', source, value: null, broken: true }
    }
    if (isScalar(node)) return scalar(node.value, node.type === 'PLAIN', path, source)
    if (!isMap(node)) {
      const items = node.items.map((item, i) => convert(item as YamlNode, [...path, i], source))
      return { kind: 'list', source, items }
    }
    const tree = emptyTree(source)
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : undefined
      const range = (pair.key as YamlNode | null)?.range
      const at = range ? sourceAt(range[0]) : source
      if (key === undefined || key === '__proto__') {
        wrong('a key must be plain text', at)
        continue
      }
      const first = tree.entries.get(key)?.key
      if (first?.kind === kind) {
        const details = { key: showKey(key), first: `${first.line}:${first.column}` }
        problems.push(problem('CONFIG_DUPLICATE_KEY', details, [...path, key], at))
        continue
      }
      tree.entries.set(key, { key: at, node: convert(pair.value as YamlNode | null, [...path, key], at) })
    }
    return tree
  }

  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    // Messages about tags, and the text after some colons, quote the file, and perhaps a secret.
    const tag = code === 'TAG_RESOLVE_FAILED' || code === 'BAD_COLLECTION_TYPE'
    const own = tag ? 'an unknown tag; a text that begins with ! needs quotes' : message
    const what = code === 'MULTIPLE_DOCS' ? 'a second document; a configuration has one, without a line ---' : own
    wrong(what.replace(/(: "|characters: )[\s\S]*$/, ''), sourceAt(pos[0]))
  }
  return convert(document.contents as YamlNode | null, [], sourceAt(0))
}
