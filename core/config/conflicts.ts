/** The conflicts that plugins find in the whole configuration, beyond the schema of one section. */
import type { ConfigProblem } from '../contract/config-problem.ts'
import type { ConfigContext } from '../contract/definition.ts'
import { problem } from './errors.ts'
import { locate, type Node } from './tree/node.ts'
import type { PluginSection } from './types.ts'

/**
 * @param foreign whether a section's plugin is not built in, and may contribute names that `offers` does not declare
 * @returns a configuration error for each conflict
 */
export function conflicts(
  sections: readonly PluginSection[],
  root: Node,
  context: Omit<ConfigContext, 'offered'>,
  foreign: (section: PluginSection) => boolean,
): ConfigProblem[] {
  // A plugin whose target is not configured counts: the same file may serve another machine.
  const named = sections.filter(({ config }) => config !== undefined)
  const offered: ConfigContext['offered'] = (point) => ({
    names: named.flatMap(({ definition, config }): readonly string[] => definition.offers?.(config)?.[point] ?? []),
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
