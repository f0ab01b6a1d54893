/** Checks the arguments of a control command by the schema that the command declares. */
import { addProblems } from '../config/schema/issues.ts'
import { fromPlain } from '../config/tree/node.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { coreError } from '../contract/errors.ts'
import type { ControlCommand } from '../contract/runtime-api.ts'
import type { InvalidArgument } from './protocol.ts'

export type Arguments = Readonly<Record<string, unknown>>

/** How many invalid arguments an error lists. */
const maxErrors = 20
/** What is checked within 5 ms, and more than a change may hold. */
const [maxValues, maxDepth] = [5_000, 64]

/** @returns what of parsed JSON is too much; undefined where it may be walked by functions that call themselves */
export function excessOf(given: unknown): string | undefined {
  let values = 0
  const left: [value: unknown, depth: number][] = [[given, 0]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [value, depth] = next
    values += 1
    if (values + left.length > maxValues) return `the arguments have more than ${maxValues} values`
    if (depth > maxDepth) return `the arguments nest deeper than ${maxDepth}`
    if (typeof value === 'object' && value !== null)
      for (const each of Object.values(value)) left.push([each, depth + 1])
  }
  return undefined
}

/** @returns what the schema makes of the arguments; without a schema, the arguments @throws CONTROL_BAD_REQUEST */
export function checkedArguments({ name, args: schema }: ControlCommand, given: Arguments): Arguments {
  if (schema === undefined) return given
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const problems: ConfigProblem[] = []
  const root = fromPlain(given, { kind: 'code' })
  const issues = parsed.error.issues.slice(0, maxErrors)
  const adding = addProblems(issues, { root, path: [], schema, value: given }, problems)
  while (problems.length < maxErrors && adding.next().done !== true);
  const errors = problems.map(({ pointer, message, help }): InvalidArgument => {
    return { pointer, detail: help === undefined ? message : `${message}, ${help}` }
  })
  const reason = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ')
  throw coreError('CONTROL_BAD_REQUEST', { command: name, reason, errors })
}
