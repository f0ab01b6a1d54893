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

/** @returns what the schema makes of the arguments; without a schema, the arguments @throws CONTROL_BAD_REQUEST */
export function checkedArguments({ name, args: schema }: ControlCommand, given: Arguments): Arguments {
  if (schema === undefined) return given
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const problems: ConfigProblem[] = []
  const root = fromPlain(given, { kind: 'code' })
  const issues = parsed.error.issues.slice(0, maxErrors)
  Array.from(addProblems(issues, { root, path: [], schema, value: given }, problems))
  const errors = problems.slice(0, maxErrors).map(({ pointer, message, help }): InvalidArgument => {
    return { pointer, detail: help === undefined ? message : `${message}, ${help}` }
  })
  const reason = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ')
  throw coreError('CONTROL_BAD_REQUEST', { command: name, reason, errors })
}
