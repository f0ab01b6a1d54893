/**
 * Registers the server's array types in a client of postgres.js. Its option `fetch_types` runs a statement
 * that is not awaited: a connection that is lost meanwhile is an unhandled rejection, which ends the process.
 */
import type { Sql } from 'postgres'

export const arrayTypesQuery = `
  SELECT e.oid::int AS element, e.typarray::int AS type, e.typdelim AS delimiter
  FROM pg_catalog.pg_type a JOIN pg_catalog.pg_type e ON e.oid = a.typelem
  WHERE a.typcategory = 'A' AND e.typarray = a.oid`

export interface ArrayType {
  readonly element: number
  readonly type: number
  readonly delimiter: string
}

interface Options {
  readonly parsers: Record<number, ((text: string) => unknown) | undefined>
  readonly serializers: Record<number, ((value: unknown) => unknown) | undefined>
  readonly shared: { readonly typeArrayMap: Record<number, number> }
}

export function teachArrayTypes(client: Sql, types: readonly ArrayType[]): void {
  const { parsers, serializers, shared } = client.options as unknown as Options
  for (const { element, type, delimiter } of types) {
    shared.typeArrayMap[element] = type
    parsers[type] ??= (text) => readArray(text, parsers[element] ?? String, delimiter)
    serializers[type] ??= (value) => {
      if (!Array.isArray(value)) return value
      return writeArray(value, (each) => String(serializers[element]?.(each) ?? each), delimiter)
    }
  }
}

/** @param write gives the text of one element @param delimiter `;` for boxes, `,` for all others */
export function writeArray(values: readonly unknown[], write: (value: unknown) => string, delimiter = ','): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return writeArray(value, write, delimiter)
    return `"${write(value).replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${items.join(delimiter)}}`
}

/** @param text as the server writes it, also with bounds, `[0:1]={1,2}` @param read takes the text of one element */
export function readArray(text: string, read: (text: string) => unknown, delimiter = ','): unknown[] {
  let at = text.indexOf('{')
  const list = (): unknown[] => {
    const values: unknown[] = []
    at += 1
    while (at < text.length && text[at] !== '}') {
      if (text[at] === delimiter) at += 1
      else if (text[at] === '{') values.push(list())
      else values.push(text[at] === '"' ? read(quoted()) : plain())
    }
    at += 1
    return values
  }
  const quoted = (): string => {
    let value = ''
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1
      value += text[at]
    }
    at += 1
    return value
  }
  const plain = (): unknown => {
    const from = at
    while (at < text.length && text[at] !== delimiter && text[at] !== '}') at += 1
    const value = text.slice(from, at)
    return value === 'NULL' ? null : read(value)
  }
  return at === -1 ? [] : list()
}
