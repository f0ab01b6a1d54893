/** The kinds of checks that config.yaml can name. */
import type { CheckConfig } from '../check-config.ts'
import { disk } from './disk.ts'
import { dns } from './dns.ts'
import { eventLoop } from './event-loop.ts'
import { http } from './http.ts'
import type { AnyKind } from './kind.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { processKind } from './process.ts'
import { redis } from './redis.ts'
import { databaseOf } from './sql.ts'
import { tcp } from './tcp.ts'
import { tls } from './tls.ts'

const kinds: Readonly<Record<CheckConfig['kind'], AnyKind>> = {
  ...{ postgres, mysql, mariadb: mysql, redis, http, tcp, dns, tls, disk, process: processKind, eventLoop },
}

/** @returns the kind of a check; for SQL the scheme of the url decides, so that one DATABASE_URL serves both */
export function kindOf(check: CheckConfig): { readonly name: CheckConfig['kind']; readonly open: AnyKind } {
  const isSql = check.kind === 'postgres' || check.kind === 'mysql' || check.kind === 'mariadb'
  const name = (isSql && databaseOf(check.url)) || (check.kind === 'mariadb' ? 'mysql' : check.kind)
  return { name, open: kinds[name] }
}
