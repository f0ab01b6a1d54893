/** Checks the arguments of a control command by the schema that the command declares. */
import type { z } from 'zod'
import { addProblems } from '../config/schema/issues.ts'
import { schemaError } from '../config/schema/quoted-secrets.ts'
import { fromPlain } from '../config/tree/node.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { coreError } from '../contract/errors.ts'
import type { ControlCommand } from '../contract/runtime-api.ts'
import type { InvalidArgument } from './protocol.ts'

export type Arguments = Readonly<Record<string, unknown>>

/** How many invalid arguments an error lists. */
const maxErrors = 20
/** What is checked within 5 ms, and more than a change may hold. */
export const argumentLimits = { values: 5_000, depth: 64 }

function parsedBy(schema: z.ZodObject, given: Arguments) {
  try {
    return schema.safeParse(given)
  } catch (thrown) {
    throw schemaError(thrown, schema)
  }
}

/** @returns what the schema makes of the arguments; without a schema, the arguments @throws CONTROL_BAD_REQUEST */
export function checkedArguments({ name, args: schema }: ControlCommand, given: Arguments): Arguments {
  if (schema === undefined) return given
  const parsed = parsedBy(schema, given)
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
