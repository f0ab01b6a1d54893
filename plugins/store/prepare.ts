/** Statements that are ready to run, with parameters that SQLite takes as they are; integers are read exactly. */
import type { Database, Statement } from 'bun:sqlite'
import { messageOf } from '../../core/worker.ts'
import type { SqlValue } from './api.ts'
import { onlyStatement } from './sql-text.ts'

/** @returns the reason against a parameter that SQLite would store as another value */
function problemOf(value: unknown): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined
  const type = typeof value
  if (type === 'bigint') return BigInt.asIntN(64, value as bigint) === value ? undefined : 'a bigint beyond 64 bits'
  if (type === 'number') return Number.isNaN(value) ? 'NaN' : undefined
  return type === 'string' || type === 'boolean' ? undefined : `of the type ${type}`
}

/** @param around makes the SQL that is run of the statement's text @throws an Error whose message is the reason */
export function prepare(
  database: Database,
  sql: string,
  params: readonly SqlValue[],
  around = (text: string): string => text,
): Statement<unknown, SqlValue[]> {
  if (typeof sql !== 'string') throw new Error(`the SQL is of the type ${typeof sql}: give one statement as text`)
  if (!Array.isArray(params)) throw new Error(`the parameters are of the type ${typeof params}: give a list`)
  const statement = database.query<unknown, SqlValue[]>(around(onlyStatement(sql))).safeIntegers(true)
  for (const [index, value] of params.entries()) {
    const problem = problemOf(value)
    if (problem === undefined) continue
    throw new Error(`parameter ${index + 1} is ${problem}: give text, a number, a bigint of 64 bits, bytes or null`)
  }
  const { paramsCount } = statement
  if (params.length === paramsCount) return statement
  throw new Error(`the statement takes ${paramsCount} parameters, got ${params.length}: give one for each "?"`)
}

const maxRows = 10_000

/** @returns a limit that SQLite takes @throws an Error whose message is the reason */
export function rowLimit(limit: number): number {
  const rows = Math.min(Math.max(1, Math.trunc(limit)), maxRows)
  if (!Number.isNaN(rows)) return rows
  throw new Error(`the limit is ${messageOf(limit)}: give a number of rows, 1 to ${maxRows}`)
}

/** @returns an integer as a number where a number holds it exactly, else as a bigint; other values as they are */
export function exact<T>(value: T): T | number {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Makes the integers of a row numbers, where a number holds them exactly. */
export function exactRow<Row>(row: Row): Row {
  const columns = row as Record<string, unknown>
  for (const name in columns) columns[name] = exact(columns[name])
  return row
}
