/** What a record shows of arguments and changes: the values, without those of {@link secret}. Pure. */
import { z } from 'zod'
import type { $ZodType } from 'zod/v4/core'
import { redacted } from '../../contract/redact/redactor.ts'
import type { PluginSection } from '../types.ts'
import { RootConfig, reserved } from './root-config.ts'
import { below, isSecret } from './schema-walk.ts'

/** @param value plain data, of a depth that recursion bears; a field that no strict schema knows is hidden */
export function withoutSecrets(schemas: readonly $ZodType[], value: unknown): unknown {
  if (value === null || value === '') return value
  if (isSecret(schemas)) return redacted
  const inner = (key: string | number, each: unknown) => withoutSecrets(below(schemas, key, value), each)
  if (Array.isArray(value)) return value.map((each, index) => inner(index, each))
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inner(key, each)]))
}

const unknownPlugin = z.strictObject(reserved)

/** @param plugins those of the configuration in force; of another plugin only `enabled` and its like are shown */
export function patchWithoutSecrets(patch: unknown, plugins: readonly PluginSection[]): unknown {
  const known = plugins.filter(({ isStandIn }) => isStandIn !== true)
  const sections = Object.fromEntries(
    known.map(({ name, definition }) => [name, z.intersection(z.object(reserved), definition.config)]),
  )
  return withoutSecrets([RootConfig.extend({ plugins: z.object(sections).catchall(unknownPlugin) })], patch)
}
