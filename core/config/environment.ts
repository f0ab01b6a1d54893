/** Environment variables that set values of the configuration, by a table of the caller: core knows no plugin. */
import type { ConfigProblem } from '../contract/config-problem.ts'
import { redacted, show } from '../contract/redact/redactor.ts'
import { problem } from './errors.ts'
import { assign, fromPlain, locate, type Node, valueAt } from './tree/node.ts'

/** The settings of a variable, or the values that it accepts, `true or false`. */
type Outcome = readonly (readonly [path: readonly string[], value: unknown])[] | { readonly expected: string }

/** One environment variable. */
export interface EnvironmentOverlay {
  readonly variable: string
  /** The accepted values and the settings, in Markdown, for the documentation. */
  readonly effect: string
  /** The value is never shown. @default false */
  readonly secret?: boolean
  /** The variable is ignored unless this path of keys is set. */
  readonly where?: readonly string[]
  /**
   * Absent for a variable whose plugin does not exist yet: the variable is ignored.
   * @param has whether the configuration sets a path of keys
   */
  readonly set?: (value: string, has: (path: readonly string[]) => boolean) => Outcome
}

/** Whether a plugin section, or any other path, is set and not switched off. */
const isOn = (tree: Node, path: readonly string[]): boolean =>
  locate(tree, path).node !== undefined && valueAt(tree, [...path, 'enabled']) !== false

/** Merges the variables that are set, and not empty, over the configuration, in the order of the table. */
export function applyEnvironment(
  tree: Node,
  overlays: readonly EnvironmentOverlay[],
  env: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
): Node {
  let result = tree
  for (const { variable, secret = false, where, set } of overlays) {
    const value = env[variable]?.trim()
    if (!value || set === undefined || (where !== undefined && !isOn(result, where))) continue
    const outcome = set(value, (path) => locate(result, path).node !== undefined)
    if ('expected' in outcome) {
      const details = { variable, expected: outcome.expected, seen: secret ? redacted : show(value) }
      problems.push(problem('CONFIG_ENVIRONMENT', details, []))
      continue
    }
    for (const [path, item] of outcome)
      result = assign(result, path, fromPlain(item, { kind: 'environment', variable }))
  }
  return result
}

/** @returns the boolean that a text of Python's or YAML's habits means, or undefined */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(true|1|yes|on|t|y)$/i.test(text)) return true
  return /^(false|0|no|off|f|n)$/i.test(text) ? false : undefined
}
