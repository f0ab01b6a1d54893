/** PURE. What a record of a change compares: the shown configurations, in which all secrets look alike. */
import { isMap, redacted } from '../../../core/plugin.ts'

const hides = (value: unknown): boolean => JSON.stringify(value ?? null).includes(redacted)

/**
 * @param before the configuration before a change @param after the one with it; both without secrets
 * @param patch what the change set
 * @returns `before` without what the change set to a secret: the record shows that it was set
 */
export function withoutSet(before: unknown, after: unknown, patch: unknown): unknown {
  if (!isMap(before) || !isMap(after) || !isMap(patch)) return before
  const kept = Object.entries(before).flatMap(([key, value]): [string, unknown][] => {
    if (!Object.hasOwn(patch, key)) return [[key, value]]
    if (isMap(value) && isMap(patch[key])) return [[key, withoutSet(value, after[key], patch[key])]]
    return Bun.deepEquals(value, after[key]) && hides(value) ? [] : [[key, value]]
  })
  return Object.fromEntries(kept)
}
