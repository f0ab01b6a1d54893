/** The layers of a configuration, merged: config.yaml or an object, then data/overlay.yaml, then the environment. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { messageOf } from '../contract/errors.ts'
import { readPending } from './changes/pending-file.ts'
import { applyEnvironment, type EnvironmentOverlay } from './environment.ts'
import { problem } from './errors.ts'
import { emptyTree, fromPlain, merge, type Node, valueAt } from './tree/node.ts'
import { type ReadFiles, readFiles } from './tree/read.ts'
import type { Source } from './types.ts'

export interface LayerOptions {
  readonly file?: string
  /** The configuration itself, taken literally: no `include`, no `${...}`. */
  readonly object?: unknown
  readonly env: Readonly<Record<string, string | undefined>>
  readonly overlays: readonly EnvironmentOverlay[]
  /** The text to read in place of that of `data/overlay.yaml`, to plan a change. */
  readonly overlayText?: string
  /** Reads the overlay as a start does, which rolls a change back that is not complete. @default false */
  readonly atStart?: boolean
  /** Reads files in another way. @default on this thread */
  readonly read?: ReadFiles
  /** Directory to which `file`, and without a file every path, is relative. */
  readonly cwd: string
}

interface Layers {
  readonly tree: Node
  /** Every file that was read. */
  readonly files: readonly string[]
  /** Directory to which the paths of the configuration are relative. */
  readonly baseDir: string
  dataDirOf(tree: Node): string
}

function mapEntries(tree: Node, change: (node: Node, key: string) => Node): Node {
  if (tree.kind !== 'map') return tree
  const entries = [...tree.entries].map(([key, entry]) => [key, { ...entry, node: change(entry.node, key) }] as const)
  return { ...tree, entries: new Map(entries) }
}

const filled = (node: Node): Node =>
  node.kind === 'scalar' && node.value === null && !node.broken ? emptyTree(node.source) : node

/** An empty section means a section of defaults. */
const withoutNulls = (tree: Node): Node =>
  mapEntries(tree, (node, key) => (key === 'plugins' ? mapEntries(filled(node), filled) : filled(node)))

function fromCode(object: unknown, problems: ConfigProblem[]): Node {
  const source: Source = { kind: 'code' }
  try {
    const tree = fromPlain(object ?? {}, source)
    if (tree.kind === 'map') return tree
    problems.push(problem('CONFIG_VALUE', { what: 'expected a map of settings' }, []))
  } catch (thrown) {
    problems.push(problem('CONFIG_VALUE', { what: `expected plain data: ${messageOf(thrown)}` }, []))
  }
  return emptyTree(source)
}

/** Merges the layers. What cannot be read is added to `problems`. @throws DATA_FILE_DAMAGED at a start */
export async function mergeLayers(options: LayerOptions, problems: ConfigProblem[]): Promise<Layers> {
  const { file, object, env, overlays, read = readFiles, cwd } = options
  const files = new Set<string>()
  const readOf = async (file: string, kind: 'file' | 'overlay', text?: string) => {
    const result = await read({ file, kind, env, text })
    problems.push(...result.problems)
    for (const each of result.files) files.add(each)
    return result.node
  }
  const main = file === undefined ? undefined : resolve(cwd, file)
  const baseDir = main === undefined ? cwd : dirname(main)
  const dataDirOf = (tree: Node) => {
    const value = valueAt(tree, ['data'])
    return resolve(baseDir, typeof value === 'string' && value !== '' ? value : './data')
  }
  const own = withoutNulls(main === undefined ? fromCode(object, problems) : (await readOf(main, 'file'))!)
  const overlay = join(dataDirOf(own), 'overlay.yaml')
  const overlayText = options.atStart ? readPending(dataDirOf(own))?.text : options.overlayText
  const isThere = overlayText === undefined ? existsSync(overlay) : overlayText !== ''
  const overlaid = isThere ? await readOf(overlay, 'overlay', overlayText) : undefined
  const written = overlaid === undefined ? own : merge(own, withoutNulls(overlaid))
  return { tree: applyEnvironment(written, overlays, env, problems), files: [...files], baseDir, dataDirOf }
}
