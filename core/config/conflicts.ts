/** What plugins say about the whole configuration, where a schema of their own section cannot know it. */
import type { House } from '../plugin.ts'
import { problem } from './errors.ts'
import { type Node, spot } from './node.ts'
import type { PluginSection, Problem } from './types.ts'

/** @returns a problem for each section that does not fit */
export function conflicts(sections: readonly PluginSection[], root: Node, house: House): Problem[] {
  return sections.flatMap(({ name, definition, config, disabled }) => {
    if (disabled !== undefined) return []
    const found = definition.conflict?.(config, house)
    if (found === undefined) return []
    const path = ['plugins', name, found.path]
    return [
      problem(
        'CONFIG_VALUE',
        { what: found.what },
        path,
        (spot(root, path).node ?? spot(root, ['plugins', name]).node)?.source,
      ),
    ]
  })
}
