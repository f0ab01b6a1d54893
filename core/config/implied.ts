/** Plugins that other plugins imply: on although the configuration does not name them. */
import { didYouMean } from '../contract/closest.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import type { Catalog } from '../contract/definition.ts'
import { show } from '../contract/redact/redactor.ts'
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
 * @param catalog the plugins that can be added; without one, as in a test of plugins, none is implied
 * @returns by whom each added section is implied
 */
export function withImplied(
  root: Node,
  named: readonly NamedPlugin[],
  catalog: Catalog,
  problems: ConfigProblem[],
): { readonly root: Node; readonly added: ReadonlyMap<string, readonly string[]> } {
  const added = new Map<string, readonly string[]>()
  for (const [name, { by, options }] of impliedBy(root, named)) {
    const path = ['plugins', name]
    const { node, key } = locate(root, path)
    const plugin = named.find((each) => each.name === name)
    if (node === undefined && Object.hasOwn(catalog, name)) {
      added.set(name, by)
      root = assign(root, path, options)
    } else if (node === undefined) {
      const known = Object.keys(catalog)
      const details = { plugin: by[0]!, what: `its definition: implies names the unknown plugin ${show(name)}` }
      const at = ['plugins', by[0]!]
      const help = didYouMean(name, known) ?? 'Name a plugin of Arkwatch, or name this one in the configuration, too.'
      if (known.length > 0) problems.push(problem('PLUGIN_INVALID', details, at, locate(root, at).key, help))
    } else if (node !== undefined && plugin?.enabled && plugin.from === undefined && !isEmpty(options)) {
      const what = `options of ${name} are set here and in the section ${by.join(', ')}`
      if (isEmpty(node, reservedKeys)) root = assign(root, path, merge(options, node))
      else problems.push(problem('CONFIG_VALUE', { what }, path, key, 'Keep the options in one of the sections.'))
    }
  }
  return { root, added }
}
