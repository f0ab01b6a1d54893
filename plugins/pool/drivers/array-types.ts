/**
 * Registers the server's array types in a client of postgres.js. Its option `fetch_types` runs a statement
 * that is not awaited: a connection that is lost meanwhile is an unhandled rejection, which ends the process.
 */
import type { Sql } from 'postgres'
import { readArray, writeArray } from './array-text.ts'

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
