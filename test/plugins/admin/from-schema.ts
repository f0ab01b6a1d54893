/** Values that a JSON schema of the OpenAPI document allows, for fast-check. What it does not know becomes any JSON. */
import fc from 'fast-check'

interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: string
}

const text = ({ pattern, minLength = 0, maxLength = 40 }: Schema) =>
  pattern === undefined
    ? fc.string({ minLength, maxLength: Math.min(maxLength, 60) })
    : fc.stringMatching(new RegExp(pattern))

export function fromSchema(schema: Schema): fc.Arbitrary<unknown> {
  const { type, anyOf, properties = {}, required = [], minimum, maximum } = schema
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(fromSchema))
  if (Array.isArray(type)) return fc.oneof(...type.map((each: string) => fromSchema({ ...schema, type: each })))
  if (type === 'null') return fc.constant(null)
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer') return fc.integer({ min: minimum ?? -1_000, max: maximum ?? 1_000 })
  if (type === 'number')
    return fc.double({ min: minimum ?? -1_000, max: maximum ?? 1_000, noNaN: true, noDefaultInfinity: true })
  if (type === 'string') return text(schema)
  if (type === 'array') return fc.array(fromSchema(schema.items ?? {}), { maxLength: 3 })
  if (type === 'object' && Object.keys(properties).length > 0) {
    const fields = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, fromSchema(each)]))
    return fc.record(fields, { requiredKeys: [...required] })
  }
  return fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
}
