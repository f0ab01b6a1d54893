/** A section of the configuration against its schema. */
import type { z } from 'zod'
import type { Clock } from '../contract/clock.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { show } from '../contract/redact/redactor.ts'
import { inTurns, yieldToLoop } from '../process/clock.ts'
import { withDeadline } from '../process/deadline.ts'
import { callDefinition, failedCheck } from './definitions/calls.ts'
import type { NamedPlugin } from './plugins.ts'
import { addProblems, type Checked, wronglyTyped } from './schema/issues.ts'
import { schemaError, withoutQuotes } from './schema/quoted-secrets.ts'
import { reservedKeys } from './schema/root-config.ts'
import { filterKeys, locate, type Node, toPlain, valueAt } from './tree/node.ts'

/** A refinement that waits must not hold a boot, a reload or a check for ever. */
const schemaMs = 10_000

/** Applies a schema. @returns the output as `data`, which may be a promise; `{}` if there are problems */
export async function validate<Out>(
  section: Omit<Checked, 'value'> & { readonly schema: z.ZodType<Out> },
  omit: readonly string[],
  problems: ConfigProblem[],
  clock: Clock,
): Promise<{ readonly data?: Out }> {
  const late = () => new Error(`its schema did not answer within ${schemaMs} ms: bound its asynchronous refinements`)
  for (;;) {
    // A reload must not hold up requests for as long as all schemas take together.
    await yieldToLoop()
    const { node } = locate(section.root, section.path)
    const value = toPlain(filterKeys(node!, (key) => !omit.includes(key)))
    const checked = { ...section, value }
    // `safeParse` would leave the promise of an asynchronous refinement to itself, and its rejection ends the process.
    const parsing = (async () => section.schema.safeParseAsync(value))().catch((thrown) => {
      throw schemaError(thrown, section.schema, node)
    })
    const parsed = await withDeadline(parsing, schemaMs, clock, late)
    const { success, data, error } = parsed
    if (success === true) return { data }
    if (error === undefined) throw new TypeError(`safeParseAsync gave ${show(parsed)}: config must be a zod schema`)
    const texts = wronglyTyped(error.issues, checked)
    for (const { scalar, text } of texts) scalar.value = text
    if (texts.length > 0) continue
    await inTurns(addProblems(error.issues, checked, problems))
    return {}
  }
}

/** @returns the section of a plugin; `config` is undefined where the plugin is disabled or the schema refuses */
export async function validateSection(
  plugin: NamedPlugin,
  root: Node,
  partial: boolean,
  problems: ConfigProblem[],
  clock: Clock,
) {
  const { name, definition, enabled, from, enabledBy, isStandIn } = plugin
  const path = ['plugins', name]
  const required = valueAt(root, [...path, 'required']) === true
  const shared = { name, definition, required, from, enabledBy, isStandIn }
  if (!enabled) return { ...shared, config: undefined, disabled: 'enabled: false' }
  try {
    const checked = { root, path, schema: definition.config, reserved: reservedKeys, partial }
    const { data: config } = await validate(checked, reservedKeys, problems, clock)
    const reason =
      config === undefined ? undefined : callDefinition(definition, 'unconfigured', [config], (given) => given)
    const disabled = reason && withoutQuotes(reason, definition.config, locate(root, path).node)
    return { ...shared, config, disabled }
  } catch (thrown) {
    problems.push(failedCheck(plugin, root, thrown))
    return { ...shared, config: undefined }
  }
}
