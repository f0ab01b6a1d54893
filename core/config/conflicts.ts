/** What plugins say about the whole configuration, where a schema of their own section cannot know it. */

import type { ConfigProblem } from '../contract/config-problem.ts'
import type { ConfigContext } from '../contract/definition.ts'
import { problem } from './errors.ts'
import { locate, type Node } from './tree/node.ts'
import type { PluginSection } from './types.ts'

/** What a section says it offers to a point; undefined where it does not say. */
const offersOf = ({ definition, config }: PluginSection): Readonly<Record<string, readonly string[]>> | undefined =>
  definition.offers?.(config)

/**
 * @param foreign whether a section is of a plugin that is not ours, which may contribute what it does not say
 * @returns a problem for everything that does not fit
 */
export function conflicts(
  sections: readonly PluginSection[],
  root: Node,
  context: Omit<ConfigContext, 'offered'>,
  foreign: (section: PluginSection) => boolean,
): ConfigProblem[] {
  // One whose target is not configured counts: the same file serves a machine where it is.
  const named = sections.filter(({ config }) => config !== undefined)
  const offered: ConfigContext['offered'] = (point) => ({
    names: named.flatMap((section) => offersOf(section)?.[point] ?? []),
    complete: !named.some((section) => section.definition.offers === undefined && foreign(section)),
  })
  return sections.flatMap(({ name, definition, config, disabled }) => {
    if (disabled !== undefined) return []
    const found = definition.conflicts?.(config, { ...context, offered }) ?? []
    return found.map(({ path, what, help }) => {
      const at = ['plugins', name, ...path]
      const { node } = locate(root, at)
      const source = (node ?? locate(root, ['plugins', name]).node)?.source
      return problem('CONFIG_VALUE', { what }, at, source, help)
    })
  })
}
