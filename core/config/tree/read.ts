/** The files of a configuration: read, expanded, included, joined. */
import { realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ConfigProblem } from '../../contract/config-problem.ts'
import { messageOf } from '../../contract/errors.ts'
import { show } from '../../contract/redact/redactor.ts'
import { problem } from '../errors.ts'
import type { Source } from '../types.ts'
import { readText } from './expand.ts'
import { emptyTree, join, type Node, type Path, type Tree } from './node.ts'
import { parseYaml, type Reading } from './yaml.ts'

const maxIncludeDepth = 10
const maxFiles = 100

const place = ({ source }: Node): string =>
  'file' in source ? `${source.file}:${source.line}:${source.column}` : source.kind

/** Reads one file without its includes. An empty file is an empty map. @returns undefined for an unreadable file */
function readOne({ file, kind, text }: Omit<ReadRequest, 'env'>, reading: Reading, from?: Mention): Tree | undefined {
  const { problems, files } = reading
  files.add(file)
  let node: Node
  try {
    node = parseYaml(text ?? readText(file), file, kind, reading)
  } catch (thrown) {
    const details = { file, reason: messageOf(thrown) }
    problems.push(problem('CONFIG_FILE_UNREADABLE', details, from?.path ?? [], from?.source))
    return undefined
  }
  if (node.kind === 'map') return node
  if (node.kind === 'list' || node.value !== null) {
    problems.push(problem('CONFIG_VALUE', { what: 'expected a map of settings' }, [], node.source))
  }
  return emptyTree(node.source)
}

interface Mention {
  readonly source: Source
  readonly path: Path
}

function includesOf(tree: Tree, problems: ConfigProblem[]): (Mention & { readonly name: string })[] {
  const node = tree.entries.get('include')?.node
  tree.entries.delete('include')
  if (node === undefined || (node.kind === 'scalar' && (node.value === null || node.broken))) return []
  const nodes = node.kind === 'list' ? node.items : [node]
  return nodes.flatMap((item, index) => {
    const path: Path = node.kind === 'list' ? ['include', index] : ['include']
    if (item.kind === 'scalar' && typeof item.value === 'string') return { name: item.value, source: item.source, path }
    const seen = item.kind === 'scalar' ? show(item.value) : `a ${item.kind}`
    problems.push(problem('CONFIG_VALUE', { what: `expected the path of a file, got ${seen}` }, path, item.source))
    return []
  })
}

const real = (file: string): string => {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** The file to read, and the variables for expansions. Plain data, for a worker. */
export interface ReadRequest {
  readonly file: string
  /** `file` is read with its includes, `overlay` literally. */
  readonly kind: 'file' | 'overlay'
  /** The text of an overlay, which is then not read from the file. */
  readonly text?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ReadResult {
  /** Undefined for an overlay that cannot be read. */
  readonly node: Node | undefined
  readonly problems: readonly ConfigProblem[]
  /** Absolute. */
  readonly files: readonly string[]
}

export type ReadFiles = (request: ReadRequest) => ReadResult | Promise<ReadResult>

export function readFiles(request: ReadRequest): ReadResult {
  const { file, kind, env } = request
  const reading: Reading = { env, problems: [], files: new Set() }
  const node = kind === 'file' ? readTree(file, reading) : readOne(request, reading)
  return { node, problems: reading.problems, files: [...reading.files] }
}

/** Reads a file with its includes. @param stack the real paths of the files that include this one */
export function readTree(file: string, reading: Reading, stack: readonly string[] = [], from?: Mention): Node {
  const tree = readOne({ file, kind: 'file' }, reading, from)
  if (tree === undefined) return emptyTree({ kind: 'file', file, line: 1, column: 1 })
  const { problems } = reading
  const chain = [...stack, real(file)]
  let whole: Node = tree
  for (const mention of includesOf(tree, problems)) {
    const { name, source, path } = mention
    const target = resolve(dirname(file), name)
    const reason = chain.includes(real(target))
      ? `it includes itself: ${[...chain.slice(chain.indexOf(real(target))), real(target)].join(' -> ')}`
      : chain.length > maxIncludeDepth
        ? `more than ${maxIncludeDepth} files deep`
        : reading.files.size >= maxFiles
          ? `more than ${maxFiles} files`
          : undefined
    if (reason !== undefined) {
      problems.push(problem('CONFIG_INCLUDE', { file: target, reason }, path, source))
      continue
    }
    whole = join(whole, readTree(target, reading, chain, mention), [], (at, first, second) =>
      problems.push(problem('CONFIG_INCLUDE_CONFLICT', { other: place(first) }, at, second.source)),
    )
  }
  return whole
}
