/** Deletes rows that are past their retention, in steps. Blocks: for the writer thread. */
import type { Database } from 'bun:sqlite'
import type { AreaDefinition } from './api.ts'

const step = 500

type Retention = NonNullable<AreaDefinition['retention']>[number]

function deletion(database: Database, { table, column }: Retention) {
  // The rows of a table WITHOUT ROWID have their primary key.
  const keys = `SELECT coalesce(group_concat('"' || name || '"'), 'rowid') AS columns FROM pragma_table_info(?1)
    WHERE pk > 0 AND (SELECT wr FROM pragma_table_list(?1))`
  const { columns } = database.query(keys).get(table) as { columns: string }
  const old = `SELECT ${columns} FROM ${table} WHERE ${column} < ? LIMIT ${step}`
  return database.query<unknown, [number]>(`DELETE FROM ${table} WHERE (${columns}) IN (${old})`)
}

/** @throws what SQLite says of a table or a column that is missing */
export function checkRetention(database: Database, { retention = [] }: AreaDefinition): void {
  for (const each of retention) deletion(database, each)
}

/** @param nowMs epoch milliseconds @returns whether more is left to delete */
export function deleteOld(database: Database, { retention = [] }: AreaDefinition, nowMs: number): boolean {
  const full = retention.filter((each) => deletion(database, each).run(nowMs - each.keepMs).changes >= step)
  return full.length > 0
}
