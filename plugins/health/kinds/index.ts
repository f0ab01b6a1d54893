/** The kinds of checks that config.yaml can name. */
import type { CheckConfig } from '../check-config.ts'
import { disk } from './disk.ts'
import { dns } from './dns.ts'
import { eventLoop } from './event-loop.ts'
import { http } from './http.ts'
import type { KindOf } from './kind.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { processKind } from './process.ts'
import { redis } from './redis.ts'
import { databaseOf } from './sql.ts'
import { tcp } from './tcp.ts'
import { tls } from './tls.ts'

export type AnyKind = KindOf<never>

const kinds: Readonly<Record<CheckConfig['kind'], AnyKind>> = {
  postgres,
  mysql,
  mariadb: mysql,
  redis,
  http,
  tcp,
  dns,
  tls,
  disk,
  process: processKind,
  eventLoop,
}

/** @returns the kind of a check; for the SQL kinds the scheme of the url decides, so that one DATABASE_URL serves both */
export function kindOf(check: CheckConfig): AnyKind {
  if (check.kind === 'postgres' || check.kind === 'mysql' || check.kind === 'mariadb') {
    const database = databaseOf(check.url)
    if (database !== undefined && kinds[check.kind] !== kinds[database]) return kinds[database]
  }
  return kinds[check.kind]
}
