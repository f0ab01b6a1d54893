/** Keys of config.yaml, from its JSON Schema. */

interface Schema {
  readonly type?: string
  readonly pattern?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

/** Stands for a value of the environment or a file, which every option may be. */
const isExpansion = ({ type, pattern }: Schema) => type === 'string' && pattern?.includes('\\$\\{') === true

const optionsOf = (schema: Schema): readonly Schema[] => {
  const inner = schema.anyOf ?? schema.oneOf
  return inner === undefined ? [schema] : inner.flatMap(optionsOf).filter((each) => !isExpansion(each))
}

const typesOf = ({ const: constant, enum: values, type }: Schema): readonly string[] =>
  constant !== undefined ? [JSON.stringify(constant)] : (values?.map((each) => JSON.stringify(each)) ?? [type ?? 'any'])

/** @returns `server.port: integer`, with `*` for a name that the user chooses and `[]` for an element */
export function configKeys(schema: unknown): string[] {
  const types = new Map<string, Set<string>>()
  const walk = (given: Schema, path: string): void => {
    for (const schema of optionsOf(given)) {
      const known = types.get(path) ?? new Set()
      types.set(path, known)
      for (const type of typesOf(schema)) known.add(type)
      const at = (key: string) => (path === '' ? key : `${path}.${key}`)
      for (const [key, inner] of Object.entries(schema.properties ?? {})) walk(inner, at(key))
      if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, at('*'))
      if (schema.items !== undefined) walk(schema.items, `${path}[]`)
    }
  }
  walk(schema as Schema, '')
  types.delete('')
  return [...types].map(([path, kinds]) => `${path}: ${[...kinds].sort().join(' | ')}`)
}
