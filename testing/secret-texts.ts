/** The secrets of a config, as its schema marks them. Pure. */
import { z } from 'zod'
import { secretsInUrl } from '../core/contract/redact/url-passwords.ts'

type Schema = Readonly<Record<string, unknown>>

/** A shorter text may stand anywhere by chance. */
const shortest = 6

/** Of a URL the passwords alone: its host may be shown. */
const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsOf)
  if (typeof value !== 'string') return []
  return value.includes('://') ? secretsInUrl(value) : [value]
}

function collect(schema: unknown, value: unknown, path: string, fields: Set<string>, texts: Set<string>): void {
  if (typeof schema !== 'object' || schema === null) return
  const { writeOnly, properties, additionalProperties, items, anyOf, oneOf, allOf } = schema as Schema
  if (writeOnly === true) {
    fields.add(path)
    for (const text of textsOf(value)) if (text.length >= shortest) texts.add(text)
    return
  }
  const inner = (typeof value === 'object' && value !== null ? value : {}) as Schema
  for (const [name, field] of Object.entries((properties ?? {}) as Schema))
    collect(field, inner[name], path === '' ? name : `${path}.${name}`, fields, texts)
  for (const each of [anyOf, oneOf, allOf].flat()) collect(each, value, path, fields, texts)
  const others = Object.keys(inner).filter((name) => !Object.hasOwn((properties ?? {}) as object, name))
  // An empty list or map has its secret fields, too.
  for (const each of others.length > 0 ? others : [undefined])
    for (const one of [additionalProperties, items]) collect(one, each && inner[each], `${path}.*`, fields, texts)
}

/** @returns the fields of a schema that are secret, and their texts in a config: as written, and with its defaults */
export function secretsOf(config: z.ZodType, given: unknown) {
  const schema = z.toJSONSchema(config, { io: 'input' })
  const fields = new Set<string>()
  const texts = new Set<string>()
  for (const value of [given, config.safeParse(given).data]) collect(schema, value, '', fields, texts)
  return { fields: [...fields], texts: [...texts] }
}
