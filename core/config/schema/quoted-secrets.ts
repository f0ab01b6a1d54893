/** Texts that the code of a plugin made while it had the configuration in hand, without the secrets in them. */
import type { $ZodType } from 'zod/v4/core'
import { isError } from '../../contract/errors.ts'
import { redacted } from '../../contract/redact/redactor.ts'
import { type Node, toPlain } from '../tree/node.ts'
import { below, isSecret } from './schema-walk.ts'

/** A shorter text may stand anywhere by chance. */
const shortest = 4

/** Any object with `safeParseAsync` may stand in place of a schema. */
const isZod = (schema: object): boolean => '_zod' in schema

function* secretTexts(schemas: readonly $ZodType[], node: Node, hidden = false): Generator<string> {
  const secret = hidden || isSecret(schemas)
  if (node.kind === 'scalar') {
    const text = String(node.text ?? node.value)
    if ((secret || node.hidden) && text.length >= shortest) yield text
    return
  }
  const value = toPlain(node)
  const inner =
    node.kind === 'list' ? node.items.entries() : [...node.entries].map(([key, { node }]) => [key, node] as const)
  for (const [key, each] of inner) yield* secretTexts(below(schemas, key, value), each, secret)
}

const known = new WeakMap<Node, readonly string[]>()

/** The longest first: one may hold another. */
function textsOf(schema: $ZodType, node: Node): readonly string[] {
  const texts = known.get(node) ?? [...new Set(secretTexts([schema], node))].sort((a, b) => b.length - a.length)
  known.set(node, texts)
  return texts
}

/** @param node the section, of this schema @returns the text with each secret of the section as `[redacted]` */
export function withoutQuotes(text: string, schema: $ZodType, node: Node | undefined): string {
  if (node === undefined || !isZod(schema)) return text
  return textsOf(schema, node).reduce((shown, each) => shown.replaceAll(each, redacted), text)
}

/** @returns what a function of a schema threw; the text is not shown where it may quote a part of a secret */
export function schemaError(thrown: unknown, schema: $ZodType, node?: Node): unknown {
  if (!isZod(schema)) return thrown
  const mayQuote = isSecret([schema], true) || (node !== undefined && textsOf(schema, node).length > 0)
  if (!mayQuote) return thrown
  return new Error(`its schema threw ${isError(thrown) ? thrown.name : 'a value'}, whose text may quote a secret`)
}
