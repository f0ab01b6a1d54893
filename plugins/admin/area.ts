/** The tables of the admin plugin, also while the store cannot be used. */

import { ArkwatchError, type PluginClock } from '../../core/plugin.ts'
import type { SqlValue, Statement, Store, StoreArea, Written } from '../store/api.ts'
import { keyMigration } from './keys/key-table.ts'

const jobMigration = `
  CREATE TABLE admin_jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL,
    ended_ms INTEGER, result TEXT, error TEXT, file TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX admin_jobs_created ON admin_jobs (created_ms);`

const progressMigration = `
  ALTER TABLE admin_jobs ADD COLUMN progress REAL NOT NULL DEFAULT 0;
  ALTER TABLE admin_jobs ADD COLUMN note TEXT NOT NULL DEFAULT '';
  UPDATE admin_jobs SET progress = 1 WHERE state = 'done';`

const sampleMigration = `
  CREATE TABLE admin_system_metrics (
    id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, cpu_percent REAL NOT NULL, memory_percent REAL NOT NULL,
    memory_available_mb REAL NOT NULL, disk_percent REAL NOT NULL, disk_free_gb REAL NOT NULL
  ) STRICT;
  CREATE INDEX admin_system_metrics_time ON admin_system_metrics (time_ms);`

const retryMs = 30_000

/** Opens the tables now or later: while the store cannot be used, reads find nothing and writes are refused. */
export class AdminArea implements Pick<StoreArea, 'get' | 'query' | 'write'> {
  #area: StoreArea | undefined

  constructor(
    private readonly store: Store,
    private readonly retention: { readonly jobsMs: number; readonly samplesMs: number },
  ) {}

  /** @returns whether the tables are open @throws STORE_MIGRATION_FAILED */
  async open(): Promise<boolean> {
    try {
      const { jobsMs, samplesMs } = this.retention
      this.#area = await this.store.area({
        name: 'admin',
        migrations: [keyMigration + jobMigration + sampleMigration, progressMigration],
        retention: [
          { table: 'admin_jobs', column: 'created_ms', keepMs: jobsMs },
          { table: 'admin_system_metrics', column: 'time_ms', keepMs: samplesMs },
        ],
      })
      return true
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error
      return false
    }
  }

  /** Opens them, now or as soon as that can be done. @param opened runs once they are open */
  async openSoon(clock: PluginClock, opened: () => Promise<void>): Promise<void> {
    if (await this.open()) return opened()
    const stop = clock.every(retryMs, async () => {
      if (!(await this.open())) return
      stop()
      await opened()
    })
  }

  /** @throws STORE_UNAVAILABLE while they are not open */
  async write(statements: readonly Statement[], options?: { readonly lazy?: boolean }): Promise<readonly Written[]> {
    if (this.#area === undefined) throw storeUnavailable()
    return this.#area.write(statements, options)
  }

  get<Row>(sql: string, params?: readonly SqlValue[]): Row | undefined {
    return this.#area?.get<Row>(sql, params)
  }

  async query<Row>(sql: string, params: readonly SqlValue[], limit: number): Promise<readonly Row[]> {
    return (await this.#area?.query<Row>(sql, params, limit)) ?? []
  }
}

const storeUnavailable = () =>
  new ArkwatchError('STORE_UNAVAILABLE', 'the store cannot be used now', 'See `arkwatch plugins` for the reason.')
