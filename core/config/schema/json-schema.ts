/** The JSON Schema of config.yaml, for editors: the runtime's own part and every plugin's in one document. */
import { z } from 'zod'
import type { AnyPlugin, Catalog } from '../../contract/definition.ts'
import { RootConfig, reserved } from './root-config.ts'

type Schema = { [key: string]: unknown }

const wholeExpansion = { type: 'string', pattern: '^\\$\\{' }
const anyExpansion = { type: 'string', pattern: '\\$\\{' }

const mapped = (schema: Schema, change: (item: unknown, key: string) => unknown): Schema =>
  Object.fromEntries(Object.entries(schema).map(([key, item]) => [key, change(item, key)]))
const schemas = ['additionalProperties', 'anyOf', 'oneOf', 'allOf']

/** Accepts an expansion for every value except free text. Constants stay: the options of a union differ by them. */
function withExpansions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExpansions)
  if (typeof value !== 'object' || value === null) return value
  const schema = value as Schema
  const { type } = schema
  if (type === 'object' || (type === undefined && !('enum' in schema))) {
    return mapped(schema, (item, key) => {
      if (key === 'properties' || key === 'patternProperties') return mapped(item as Schema, withExpansions)
      return schemas.includes(key) ? withExpansions(item) : item
    })
  }
  if (type === 'array') return { ...schema, ...('items' in schema && { items: withExpansions(schema.items) }) }
  if ('const' in schema || type === 'null') return schema
  const text = type === 'string'
  const restricted = ['enum', 'pattern', 'minLength', 'maxLength'].some((key) => key in schema)
  if (text && !restricted) return schema
  const { description, default: standard, writeOnly, ...rest } = schema
  const isDuration = text && String(rest.pattern).startsWith('^(0|')
  const anyOf = [rest, ...(isDuration ? [{ const: 0 }] : []), text ? anyExpansion : wholeExpansion]
  return { ...defined({ description, default: standard, writeOnly }), anyOf }
}

const defined = (schema: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined))

const toJson = (schema: z.ZodType): Schema => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema
  return rest
}

/** An empty section is a section of defaults. */
const orEmpty = ({ description, ...schema }: Schema): Schema => ({
  ...defined({ description }),
  anyOf: [schema, { type: 'null' }],
})

/** @returns the JSON Schema (2020-12) of a config.yaml that may name the plugins of `catalog`, and others by `from` */
export async function configSchema(catalog: Catalog): Promise<unknown> {
  const sections: [string, Schema][] = []
  const own = toJson(z.object(reserved)).properties as Schema
  for (const [name, load] of Object.entries(catalog)) {
    const { summary, config } = (await load()).default as AnyPlugin
    const section = toJson(config)
    const properties = { ...own, ...(section.properties as Schema) }
    sections.push([name, orEmpty({ ...section, description: summary, properties })])
  }
  const root = toJson(RootConfig)
  const properties = root.properties as Record<string, Schema>
  const text = { type: 'string', minLength: 1 }
  const external = { type: 'object', properties: own, required: ['from'] }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(withExpansions({
      ...root,
      properties: {
        ...Object.fromEntries(
          Object.entries(properties).map(([key, each]) => [key, each.type === 'object' ? orEmpty(each) : each]),
        ),
        include: {
          description: 'Further files, relative to this one: maps merge, lists append, a single value may be set once.',
          anyOf: [text, { type: 'array', items: text }],
        },
        plugins: orEmpty({
          type: 'object',
          description: RootConfig.shape.plugins.description,
          properties: Object.fromEntries(sections),
          additionalProperties: external,
        }),
      },
    }) as Schema),
  }
}
