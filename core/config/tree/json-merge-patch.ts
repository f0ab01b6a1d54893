/** PURE. Merge patches over plain data. */
import { configError } from '../errors.ts'

/** Plain data, as a JSON patch or a YAML file holds it. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain }

const maxDepth = 32
/** Each value takes time in every reading of the configuration. */
export const maxValues = 1_000
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])
export const isMap = (value: unknown): value is { readonly [key: string]: Plain } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const refused = (what: string) => configError('CONFIG_PATCH', { what })

/**
 * Merges a patch over a value: maps merge, null removes, everything else replaces. @see RFC 7386
 * @throws CONFIG_PATCH for a patch that is not a map, has over 1,000 values, is deeper than 32, or names a prototype
 */
export function mergePatch(target: Plain | undefined, patch: Plain): { readonly [key: string]: Plain } {
  if (!isMap(patch)) throw refused('expected a map')
  refuseLong(patch)
  return merge(target, patch, 0) as { readonly [key: string]: Plain }
}

/** @returns the value as JSON @throws CONFIG_PATCH for more than 1,000 values */
export function refuseLong(value: Plain): string {
  let count = 0
  return JSON.stringify(
    value,
    (_, each) => {
      count += 1
      if (count > maxValues) throw refused(`it has more than ${maxValues} values`)
      return each
    },
    2,
  )
}

function merge(target: Plain | undefined, patch: Plain, depth: number): Plain {
  if (!isMap(patch)) return patch
  if (depth >= maxDepth) throw refused(`it nests deeper than ${maxDepth}`)
  const result: Record<string, Plain> = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (forbidden.has(key)) throw refused(`the key ${JSON.stringify(key)} is not taken`)
    if (value === null) delete result[key]
    else result[key] = merge(result[key], value, depth + 1)
  }
  return result
}

/** @returns a merged value without the maps that the patch has emptied: `plugins: { cache: {} }` turns cache on */
export function withoutEmptied(
  merged: { readonly [key: string]: Plain },
  patch: { readonly [key: string]: Plain },
): { readonly [key: string]: Plain } {
  return Object.fromEntries(
    Object.entries(merged).flatMap(([key, value]) => {
      const part = patch[key]
      if (!isMap(value) || !isMap(part) || Object.keys(part).length === 0) return [[key, value]]
      const left = withoutEmptied(value, part)
      return Object.keys(left).length === 0 ? [] : [[key, left]]
    }),
  )
}
