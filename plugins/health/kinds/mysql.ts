/** MySQL and MariaDB through Bun.SQL: `SELECT 1`, connections in use, replication lag. Keeps one connection. */
import { SQL } from 'bun'
import { type Kind, keptConnection } from './kind.ts'
import { evaluateSql, plainUrl, type SqlFacts } from './sql.ts'

type Row = Readonly<Record<string, unknown>>

const numberOf = (value: unknown): number | undefined =>
  value === null || value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value)

/** @param replication a row of SHOW REPLICA STATUS or SHOW SLAVE STATUS, if there is one @returns what the rows say */
export function readMysql(counts: Row | undefined, replication: Row | undefined, latencyMs: number): SqlFacts {
  const stopped = ['Replica_SQL_Running', 'Slave_SQL_Running', 'Replica_IO_Running', 'Slave_IO_Running'].find(
    (column) => replication?.[column] === 'No',
  )
  return {
    latencyMs,
    connectionsUsed: numberOf(counts?.used),
    connectionsMax: numberOf(counts?.max),
    role: replication === undefined ? undefined : 'replica',
    lagSeconds: numberOf(replication?.Seconds_Behind_Source ?? replication?.Seconds_Behind_Master),
    replicas: undefined,
    replicationError: stopped && `${stopped} is No`,
  }
}

export const mysql: Kind<'mysql' | 'mariadb'> = (config, { monotonic }) =>
  keptConnection(
    async () =>
      new SQL(plainUrl(config.url).replace(/^mariadb:/i, 'mysql:'), {
        ...{ adapter: 'mysql', max: 1, idleTimeout: 0, maxLifetime: 0 },
        connectionTimeout: Math.ceil(config.timeout / 1_000),
      }),
    async (sql) => {
      const rows = async (query: string): Promise<readonly Row[]> => sql.unsafe(query)
      const startedMs = monotonic()
      await rows('SELECT 1')
      const latencyMs = monotonic() - startedMs
      const status = await rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'").catch(() => [])
      const counts = await rows('SELECT @@max_connections AS max').catch(() => [])
      const replication = await rows('SHOW SLAVE STATUS')
        .catch(() => rows('SHOW REPLICA STATUS'))
        .catch(() => [])
      return evaluateSql(readMysql({ ...counts[0], used: status[0]?.Value }, replication[0], latencyMs), config)
    },
    (sql) => void sql.close({ timeout: 0 }).catch(() => {}),
  )
