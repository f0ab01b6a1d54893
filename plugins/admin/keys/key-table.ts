/** The table of keys in the store. */
import type { StoreArea } from '../../store/api.ts'
import type { Role } from '../api.ts'
import type { KeyRecord } from './key.ts'
import { type KeyTable, maxKeys } from './keyring.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: string
  readonly digest: string
  readonly created_ms: number
  readonly expires_ms: number | null
  readonly used_ms: number | null
}

export const keyMigration = `
  CREATE TABLE admin_keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, scopes TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL, expires_ms INTEGER, used_ms INTEGER
  ) STRICT, WITHOUT ROWID;`

const columns = 'id, name, role, scopes, digest, created_ms, expires_ms, used_ms'

export const keyTable = (area: StoreArea): KeyTable => ({
  async load() {
    const rows = await area.query<Row>(`SELECT ${columns} FROM admin_keys`, [], maxKeys)
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      role: row.role,
      scopes: JSON.parse(row.scopes) as string[],
      createdAtMs: row.created_ms,
      expiresAtMs: row.expires_ms ?? undefined,
      lastUsedAtMs: row.used_ms ?? undefined,
      source: 'store',
      digest: row.digest,
    }))
  },
  async put(records) {
    await area.write(
      records.map((record: KeyRecord) => ({
        sql: `INSERT OR REPLACE INTO admin_keys (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        params: [
          record.id,
          record.name,
          record.role,
          JSON.stringify(record.scopes),
          record.digest,
          record.createdAtMs,
          record.expiresAtMs ?? null,
          record.lastUsedAtMs ?? null,
        ],
      })),
    )
  },
  async remove(id) {
    await area.write([{ sql: 'DELETE FROM admin_keys WHERE id = ?', params: [id] }])
  },
})
