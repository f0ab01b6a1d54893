/** The names of a new plugin in the places where it has one. Pure. */
import { cliError } from '../errors.ts'

export interface PluginNames {
  /** `queue_depth`: in config.yaml. */
  readonly plugin: string
  /** `QueueDepth`: its service and types. */
  readonly type: string
  /** `arkwatch-plugin-queue-depth`: its package and folder. */
  readonly package: string
}

/** @param taken names of plugins that come with Arkwatch @throws CLI_USAGE */
export function pluginNames(name: string, taken: readonly string[]): PluginNames {
  const refuse = (what: string) => cliError('CLI_USAGE', { what })
  const rule = 'a plugin has a name in lower_snake_case of up to 63 characters'
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) || name.length > 63)
    throw refuse(`${rule}, got ${JSON.stringify(name.slice(0, 80))}`)
  if (taken.includes(name)) throw refuse(`${name} is a plugin of Arkwatch itself: choose another name`)
  const words = name.split('_')
  return {
    plugin: name,
    type: words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(''),
    package: `arkwatch-plugin-${words.join('-')}`,
  }
}
