import type { StoreArea } from '../../store/api.ts'
import type { KeyRecord } from './key.ts'
import { type KeyTable, maxKeys } from './keyring.ts'

type Row = Pick<KeyRecord, 'id' | 'name' | 'role' | 'digest' | 'createdAtMs'> & {
  readonly scopes: string
  readonly expiresAtMs: number | null
  readonly lastUsedAtMs: number | null
}

export const keyMigration = `
  CREATE TABLE admin_keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, scopes TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL, expires_ms INTEGER, used_ms INTEGER
  ) STRICT, WITHOUT ROWID;`

export const keyTable = (area: Pick<StoreArea, 'query' | 'write'>): KeyTable => ({
  async load() {
    const times = 'created_ms AS createdAtMs, expires_ms AS expiresAtMs, used_ms AS lastUsedAtMs'
    const rows = await area.query<Row>(`SELECT id, name, role, scopes, digest, ${times} FROM admin_keys`, [], maxKeys)
    return rows.map(({ scopes, expiresAtMs, lastUsedAtMs, ...row }) => ({
      ...row,
      scopes: JSON.parse(scopes) as string[],
      expiresAtMs: expiresAtMs ?? undefined,
      lastUsedAtMs: lastUsedAtMs ?? undefined,
      source: 'store',
    }))
  },
  async put(records) {
    const sql = `INSERT OR REPLACE INTO admin_keys (id, name, role, scopes, digest, created_ms, expires_ms, used_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
    await area.write(
      records.map(({ id, name, role, scopes, digest, createdAtMs, expiresAtMs, lastUsedAtMs }) => {
        const times = [createdAtMs, expiresAtMs ?? null, lastUsedAtMs ?? null]
        return { sql, params: [id, name, role, JSON.stringify(scopes), digest, ...times] }
      }),
    )
  },
  async remove(id) {
    await area.write([{ sql: 'DELETE FROM admin_keys WHERE id = ?', params: [id] }])
  },
})
