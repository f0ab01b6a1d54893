/** The options of pool. */
import { z } from 'zod'
import { secret } from '../../core/config/secret.ts'
import { duration } from '../../core/config/units.ts'

const Settings = {
  url: secret().default('').describe('`postgres://user:password@host:5432/database`; empty: the plugin is disabled.'),
  driver: z.enum(['postgres', 'bun']).default('postgres').describe('postgres.js, or Bun’s own client.'),
  size: z.int().min(1).max(1_000).default(10).describe('Connections that are kept.'),
  maxOverflow: z.int().min(0).max(1_000).default(20).describe('Further ones under load, closed on return.'),
  minIdle: z.int().min(0).max(1_000).default(0).describe('Idle connections that are always there.'),
  acquireTimeout: duration({ min: '250ms' }).prefault('30s').describe('How long a borrower waits.'),
  connectTimeout: duration({ min: '250ms' }).prefault('10s').describe('How long opening a connection may take.'),
  idleTimeout: duration().prefault('10m').describe('Idle connections go after it; `0`: never.'),
  maxLifetime: duration().prefault('30m').describe('Connections are renewed after it, up to 2.5 % before; `0`: never.'),
  keepalive: duration().prefault('2m').describe('Idle connections are asked for a sign of life so often; `0`: never.'),
  validateAfter: duration().prefault('5s').describe('A connection silent for so long is asked before it is lent.'),
  validationTimeout: duration({ min: '100ms' }).prefault('5s').describe('How long that may take.'),
  statementTimeout: duration().prefault('0').describe('The server ends statements after it; `0`: never.'),
  leakThreshold: duration().prefault('1m').describe('Who holds for longer is reported; `0`: never.'),
  slowStatement: duration().prefault('1s').describe('Statements that take longer are logged; `0`: never.'),
  maxWaiting: z.int().min(1).max(1_000_000).default(10_000).describe('Borrowers that may wait.'),
}

const Entry = z.strictObject(Settings)
export type PoolEntry = z.output<typeof Entry>

export const PoolConfig = z.strictObject({
  ...Settings,
  pools: z
    .record(z.string().regex(/^[a-z][a-z0-9_]*$/), Entry)
    .default({})
    .describe('Further pools by name.'),
})
export type PoolConfig = z.output<typeof PoolConfig>
