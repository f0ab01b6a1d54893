/** Queries of a zod schema: fields, secrets, defaults. Pure. */
import { z } from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import { fromPlain, type Node } from '../tree/node.ts'

const defOf = (schema: $ZodType) => (schema as $ZodTypes)._zod.def

/** The side of a pipe that says how people write a value: the second where the first only transforms. */
const written = ({ in: first, out }: { readonly in: $ZodType; readonly out: $ZodType }): $ZodType =>
  defOf(first).type === 'transform' ? out : first

/** The schema and the schemas that it wraps on its input side, from the outside in. */
function layers(schema: $ZodType): readonly $ZodType[] {
  const def = defOf(schema)
  if ('innerType' in def) return [schema, ...layers(def.innerType)]
  if (def.type === 'pipe') return [schema, ...layers(written(def))]
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

const isMarked = (schema: $ZodType): boolean => z.globalRegistry.get(schema)?.writeOnly === true

/** Whether a value may be secret as a whole: nobody knows which schema of a union the author meant for the value. */
function isOwnSecret(schema: $ZodType, seen = new Set<$ZodType>()): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  const any = (schemas: readonly $ZodType[]) => schemas.some((each) => isOwnSecret(each, seen))
  return layers(schema).some((layer) => {
    const def = defOf(layer)
    if (isMarked(layer)) return true
    if (def.type === 'union') return any(def.options)
    if (def.type === 'intersection') return any([def.left, def.right])
    // Fields behind a pipe are not known by their written names.
    return def.type === 'pipe' && written(def) !== def.out && (any([def.out]) || holdsSecret(def.out))
  })
}

/** Whether one of a schema and the schemas below it is such. */
function some(schema: $ZodType, is: (each: $ZodType) => boolean, seen = new Set<$ZodType>()): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  if (is(schema)) return true
  return options(schema, undefined).some((option) => {
    const def = defOf(option)
    const items = def.type === 'tuple' ? def.items : []
    const children = [...Object.values(shapeOf(option)), ...items, ...below([option], items.length, undefined)]
    return children.some((child) => !isNever(child) && some(child, is, seen))
  })
}

const holdsSecret = (schema: $ZodType): boolean => some(schema, (each) => isOwnSecret(each))

/** Whether keys of a map are secret: a key is shown wherever its value is. */
export const hasSecretKeys = (schema: $ZodType): boolean =>
  some(schema, (each) =>
    options(each, undefined).some((option) => {
      const def = defOf(option)
      return def.type === 'record' && isOwnSecret(def.keyType)
    }),
  )

/** Whether a schema, or one below, is a secret. */
const holders = new WeakMap<$ZodType, boolean>()

/** @returns whether a schema, or with `deep` a schema below, is a {@link secret}; an invalid value counts as one */
export function isSecret(schemas: readonly $ZodType[], deep = false): boolean {
  return schemas.some((schema) => {
    if (isNever(schema)) return true
    if (!deep) return isOwnSecret(schema)
    const known = holders.get(schema) ?? holdsSecret(schema)
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
