/** PostgreSQL: `SELECT 1`, connections in use, replication lag. One connection, kept between runs. */
import type { Sql } from 'postgres'
import { type Kind, keptConnection } from './kind.ts'
import { evaluateSql, plainUrl, type SqlFacts } from './sql.ts'

/** Readable by every role; the replication columns stay empty where a right is missing. */
const factsQuery = `
  SELECT (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
         current_setting('max_connections')::int AS max,
         pg_is_in_recovery() AS replica,
         CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
              THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
              WHEN pg_is_in_recovery() THEN 0 END AS behind,
         (SELECT count(*) FROM pg_stat_replication)::int AS replicas,
         (SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication) AS replica_lag`

type FactsRow = { readonly [Column in 'used' | 'max' | 'behind' | 'replica_lag']: number | null } & {
  readonly replica: boolean
  readonly replicas: number
}

/** @returns what the row of {@link factsQuery} says; without a row only the latency */
export const readPostgres = (row: FactsRow | undefined, latencyMs: number): SqlFacts => ({
  latencyMs,
  connectionsUsed: row?.used ?? undefined,
  connectionsMax: row?.max ?? undefined,
  role: row === undefined ? undefined : row.replica ? 'replica' : 'primary',
  lagSeconds: (row?.replica ? row.behind : row?.replica_lag) ?? undefined,
  replicas: row?.replicas,
})

type Connect = (url: string, options: Record<string, unknown>) => Sql

export const postgres: Kind<'postgres'> = (config, { load, monotonic }) =>
  keptConnection(
    async () =>
      (await load<{ default: Connect }>('postgres')).default(plainUrl(config.url), {
        ...{ max: 1, connect_timeout: Math.ceil(config.timeout / 1_000), idle_timeout: null, max_lifetime: null },
        ...{ backoff: () => 0, prepare: false, fetch_types: false, onnotice: () => {} },
        connection: { application_name: 'arkwatch-health' },
      }),
    async (sql) => {
      const startedMs = monotonic()
      await sql.unsafe('SELECT 1')
      const latencyMs = monotonic() - startedMs
      const rows = await sql.unsafe<FactsRow[]>(factsQuery).catch(() => [])
      return evaluateSql(readPostgres(rows[0], latencyMs), config)
    },
    (sql) => void sql.end({ timeout: 0 }).catch(() => {}),
  )
