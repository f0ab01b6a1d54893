/** Plugins that other plugins imply: on although the configuration does not name them. */
import type { ConfigProblem } from '../contract/config-problem.ts'
import { problem } from './errors.ts'
import type { NamedPlugin } from './plugins.ts'
import { reservedKeys } from './schema/root-config.ts'
import { assign, emptyTree, locate, merge, type Node } from './tree/node.ts'

interface Implied {
  readonly by: readonly string[]
  /** The options that the implying sections hold. */
  readonly options: Node
}

function impliedBy(root: Node, named: readonly NamedPlugin[]): ReadonlyMap<string, Implied> {
  const found = new Map<string, Implied>()
  for (const { name, definition, enabled } of named) {
    if (!enabled) continue
    for (const [other, keys] of Object.entries(definition.implies ?? {})) {
      const before = found.get(other)
      let options: Node = before?.options ?? emptyTree(locate(root, ['plugins', name]).key)
      for (const [key, path] of Object.entries(keys)) {
        const { node } = locate(root, ['plugins', name, key])
        if (path.length > 0 && node !== undefined) options = assign(options, path, node)
        else if (node?.kind === 'map') options = merge(options, node)
      }
      found.set(other, { by: [...(before?.by ?? []), name], options })
    }
  }
  return found
}

const isEmpty = (node: Node, but: readonly string[] = []) =>
  node.kind === 'map' && [...node.entries.keys()].every((key) => but.includes(key))

/**
 * Adds implied sections, and merges implied options under a section that sets none of its own.
 * @param isKnown whether a plugin of that name can be loaded @returns by whom each added section is implied
 */
export function withImplied(
  root: Node,
  named: readonly NamedPlugin[],
  isKnown: (name: string) => boolean,
  problems: ConfigProblem[],
): { readonly root: Node; readonly added: ReadonlyMap<string, readonly string[]> } {
  const added = new Map<string, readonly string[]>()
  for (const [name, { by, options }] of impliedBy(root, named)) {
    const path = ['plugins', name]
    const { node, key } = locate(root, path)
    const plugin = named.find((each) => each.name === name)
    if (node === undefined && isKnown(name)) {
      added.set(name, by)
      root = assign(root, path, options)
    } else if (node !== undefined && plugin?.enabled && plugin.from === undefined && !isEmpty(options)) {
      const what = `options of ${name} are set here and in the section ${by.join(', ')}`
      if (isEmpty(node, reservedKeys)) root = assign(root, path, merge(options, node))
      else problems.push(problem('CONFIG_VALUE', { what }, path, key, 'Keep the options in one of the sections.'))
    }
  }
  return { root, added }
}
