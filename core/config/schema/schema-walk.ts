/** Queries of a zod schema: fields, secrets, defaults. Pure. */
import { z } from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import { fromPlain, type Node } from '../tree/node.ts'

const defOf = (schema: $ZodType) => (schema as $ZodTypes)._zod.def

/** The schema and the schemas that it wraps on its input side, from the outside in. */
function layers(schema: $ZodType): readonly $ZodType[] {
  const def = defOf(schema)
  if ('innerType' in def) return [schema, ...layers(def.innerType)]
  if (def.type === 'pipe') return [schema, ...layers(def.in)]
  return def.type === 'lazy' ? [schema, ...layers(def.getter())] : [schema]
}

const core = (schema: $ZodType): $ZodType => layers(schema).at(-1)!

const isNever = (schema: $ZodType): boolean => defOf(schema).type === 'never'

/** The schemas that may apply to a value, as far as that is known: of a union those that its discriminator leaves. */
function options(schema: $ZodType, value: unknown): readonly $ZodType[] {
  const bare = core(schema)
  const def = defOf(bare)
  if (def.type === 'intersection') return [...options(def.left, value), ...options(def.right, value)]
  if (def.type !== 'union') return [bare]
  const all = () => def.options.flatMap((option) => options(option, value))
  const { discriminator } = def as { discriminator?: string }
  if (discriminator === undefined) return all()
  const seen = (value as Record<string, unknown> | null)?.[discriminator]
  const known = chosen.get(bare) ?? new Map<unknown, readonly $ZodType[]>()
  chosen.set(bare, known)
  const found = known.get(seen)
  if (found !== undefined) return found
  const fitting = all().filter((option) => {
    const own = shapeOf(option)[discriminator]
    return own !== undefined && z.safeParse(own, seen).success
  })
  if (fitting.length === 0) return all()
  known.set(seen, fitting)
  return fitting
}

/** The options that fit a value of the discriminator, by union. Values that fit none are not kept. */
const chosen = new WeakMap<$ZodType, Map<unknown, readonly $ZodType[]>>()

function shapeOf(schema: $ZodType): Readonly<Record<string, $ZodType>> {
  const def = defOf(schema)
  return def.type === 'object' ? def.shape : {}
}

/** @returns the schemas that may apply below `schemas` at a key of `value` */
export function below(schemas: readonly $ZodType[], key: string | number, value: unknown): readonly $ZodType[] {
  const found = schemas.flatMap((schema) =>
    options(schema, value).flatMap((option) => {
      const def = defOf(option)
      if (def.type === 'object') return (Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall) ?? []
      if (def.type === 'record') return def.valueType
      if (def.type === 'array') return def.element
      if (def.type === 'tuple') return def.items[Number(key)] ?? def.rest ?? []
      return []
    }),
  )
  const allowed = found.filter((schema) => !isNever(schema))
  return allowed.length > 0 ? allowed : found
}

export const keysOf = (schemas: readonly $ZodType[], value: unknown): readonly string[] => [
  ...new Set(schemas.flatMap((schema) => options(schema, value).flatMap((option) => Object.keys(shapeOf(option))))),
]

const isOwnSecret = (schema: $ZodType): boolean =>
  isNever(schema) || layers(schema).some((layer) => z.globalRegistry.get(layer)?.writeOnly === true)

function holdsSecret(schema: $ZodType, seen: Set<$ZodType>): boolean {
  if (isOwnSecret(schema)) return true
  if (seen.has(schema)) return false
  seen.add(schema)
  return options(schema, undefined).some((option) =>
    [...Object.values(shapeOf(option)), ...below([option], 0, undefined)].some(
      (child) => !isNever(child) && holdsSecret(child, seen),
    ),
  )
}

/** Whether a schema, or one below, is a secret. */
const holders = new WeakMap<$ZodType, boolean>()

/** @returns whether a schema, or with `deep` a schema below, is a {@link secret}; an invalid value counts as one */
export function isSecret(schemas: readonly $ZodType[], deep = false): boolean {
  return schemas.some((schema) => {
    if (!deep) return isOwnSecret(schema)
    const known = holders.get(schema) ?? holdsSecret(schema, new Set())
    holders.set(schema, known)
    return known
  })
}

/** @returns the default of the schema as people write it, or undefined */
export function defaultOf(schema: $ZodType): Node | undefined {
  for (const layer of layers(schema)) {
    const def = defOf(layer)
    if (def.type === 'default' || def.type === 'prefault') return fromPlain(def.defaultValue, { kind: 'default' })
  }
  return undefined
}

/** @returns the first example in the metadata of a schema: {@link duration} and {@link size} have one */
export const exampleOf = (schemas: readonly $ZodType[]): unknown =>
  schemas.flatMap(layers).flatMap((layer) => (z.globalRegistry.get(layer)?.examples as unknown[] | undefined) ?? [])[0]
