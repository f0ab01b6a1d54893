/** Calls of a definition's functions that a check of the configuration makes. */
import type { ConfigProblem } from '../../contract/config-problem.ts'
import type { AnyPlugin } from '../../contract/definition.ts'
import { messageOf } from '../../contract/errors.ts'
import { disown, isThenable } from '../../contract/foreign/calls.ts'
import { show } from '../../contract/redact/redactor.ts'
import { problem } from '../errors.ts'
import { withoutQuotes } from '../schema/quoted-secrets.ts'
import { locate, type Node } from '../tree/node.ts'
import type { PluginSection } from '../types.ts'

type Name = 'unconfigured' | 'conflicts' | 'offers' | 'listens'

const isList = (value: unknown): boolean => Array.isArray(value) && !value.some(isThenable)

/** Disowns a value and what it holds: a list of promises is a slip of an async function. */
function disownAll(value: unknown): void {
  disown(value)
  try {
    for (const each of Object.values(Object(value))) disown(each)
  } catch {
    // What cannot be read is refused as it is.
  }
}

const answers: Readonly<Record<Name, readonly [what: string, fits: (value: unknown) => boolean]>> = {
  unconfigured: ['a text or undefined', (value) => typeof value === 'string'],
  conflicts: ['a list', isList],
  listens: ['a list', isList],
  offers: ['an object of lists', (value) => typeof value === 'object' && !isThenable(value)],
}

const help =
  'A check of the configuration calls unconfigured, conflicts, offers and listens, before any setup: each of the four must answer immediately and must not throw.'

/** @returns the configuration error of a definition that cannot be asked */
export function failedCheck(
  { name: plugin, definition }: Pick<PluginSection, 'name' | 'definition'>,
  root: Node,
  thrown: unknown,
): ConfigProblem {
  const path = ['plugins', plugin]
  const { node, key } = locate(root, path)
  const what = withoutQuotes(`its configuration cannot be checked: ${messageOf(thrown)}`, definition.config, node)
  return problem('PLUGIN_INVALID', { plugin, what }, path, key, help)
}

/**
 * @param use reads the answer, which is undefined where the definition lacks the function
 * @throws Error naming the function that threw, or whose answer cannot be used
 */
export function callDefinition<N extends Name, T>(
  definition: AnyPlugin,
  name: N,
  given: readonly unknown[],
  use: (answer: Exclude<ReturnType<NonNullable<AnyPlugin[N]>>, undefined> | undefined) => T,
): T {
  try {
    const call = definition[name] as ((...given: readonly unknown[]) => unknown) | undefined
    const answer = call?.apply(definition, [...given]) ?? undefined
    disownAll(answer)
    const [what, fits] = answers[name]
    if (answer !== undefined && !fits(answer)) throw new Error(`expected ${what}, got ${show(answer)}`)
    return use(answer as never)
  } catch (thrown) {
    disown(thrown)
    throw new Error(`${name}: ${messageOf(thrown)}`)
  }
}
