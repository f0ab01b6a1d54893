import { z } from 'zod'
import { duration, secret } from '../../core/plugin.ts'
import { isServerUrl, wellFormed } from '../server-url.ts'

const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback)

const Settings = {
  url: secret()
    .refine((url) => url === '' || isServerUrl(url), `expected a URL ${wellFormed}`)
    .default('')
    .describe('`postgres://user:password@host:5432/database`; empty: the plugin is disabled.'),
  driver: z.enum(['postgres', 'bun']).default('postgres').describe('postgres.js, or Bun’s own client.'),
  size: whole(1, 1_000, 10).describe('Connections that are kept.'),
  maxOverflow: whole(0, 1_000, 20).describe('Further connections under load, closed at their release.'),
  minIdle: whole(0, 1_000, 0).describe('Idle connections that are kept open, at most `size`.'),
  acquireTimeout: duration({ min: '250ms' }).prefault('30s').describe('How long a borrower waits.'),
  connectTimeout: duration({ min: '250ms', max: '1d' })
    .prefault('10s')
    .describe('How long opening a connection may take.'),
  startup: z
    .enum(['lazy', 'once', 'wait'])
    .default('lazy')
    .describe(
      'At the start: `lazy` connects when needed, `once` tries once, `wait` tries until `startupTimeout`; without a connection the plugin fails.',
    ),
  startupTimeout: duration({ min: '1s', max: '50s' }).prefault('10s').describe('How long `startup: wait` tries.'),
  idleTimeout: duration()
    .prefault('10m')
    .describe('Connections that are idle for longer are closed; at least 10s; `0`: never.'),
  maxLifetime: duration()
    .prefault('30m')
    .describe(
      'Age at which connections are renewed, or up to 2.5 % earlier, never while lent; at least 30s; `0`: never.',
    ),
  keepalive: duration()
    .prefault('2m')
    .describe(
      'Period of the test of idle connections, or up to 10 % less; at least 30s, less than `maxLifetime`; `0`: never.',
    ),
  validateAfter: duration()
    .prefault('5s')
    .describe('A connection that was silent for longer is tested before it is lent.'),
  validationTimeout: duration({ min: '100ms' })
    .prefault('5s')
    .describe('How long such a test may take; less than `acquireTimeout`.'),
  statementTimeout: duration({ max: '20d' })
    .prefault('0')
    .describe('The server ends statements that take longer; `0`: never.'),
  cancelTimeout: duration({ min: '100ms' })
    .prefault('5s')
    .describe('How long the server may take to end an aborted statement; then the connection is closed.'),
  leakThreshold: duration()
    .prefault('1m')
    .describe('Connections held for longer are reported; at least 2s, at most `maxLifetime`; `0`: never.'),
  slowStatement: duration().prefault('1s').describe('Statements that take longer are logged; `0`: never.'),
  maxWaiting: whole(1, 1_000_000, 10_000).describe('Borrowers that may wait.'),
}

const Section = z.strictObject(Settings)
export type PoolSection = z.output<typeof Section>

/** Refuses options that exclude each other. @see HikariCP `HikariConfig.validateNumerics`, which repairs them */
function together(pool: PoolSection, context: z.RefinementCtx): void {
  const { validationTimeout, acquireTimeout, idleTimeout, maxLifetime, keepalive, leakThreshold, minIdle, size } = pool
  const lifetime = maxLifetime === 0 ? Number.POSITIVE_INFINITY : maxLifetime
  const isSetBelow = (ms: number, least: number) => ms > 0 && ms < least
  const rules: readonly (readonly [broken: boolean, key: keyof PoolSection, message: string])[] = [
    [
      validationTimeout >= acquireTimeout,
      'validationTimeout',
      `expected less than acquireTimeout, ${acquireTimeout} ms`,
    ],
    [isSetBelow(idleTimeout, 10_000), 'idleTimeout', 'expected 0 or at least 10s'],
    [isSetBelow(maxLifetime, 30_000), 'maxLifetime', 'expected 0 or at least 30s'],
    [isSetBelow(keepalive, 30_000), 'keepalive', 'expected 0 or at least 30s'],
    [keepalive >= lifetime, 'keepalive', `expected less than maxLifetime, ${maxLifetime} ms`],
    [isSetBelow(leakThreshold, 2_000), 'leakThreshold', 'expected 0 or at least 2s'],
    [leakThreshold > lifetime, 'leakThreshold', `expected at most maxLifetime, ${maxLifetime} ms`],
    [minIdle > size, 'minIdle', `expected at most size, ${size}`],
  ]
  for (const [broken, key, message] of rules) if (broken) context.addIssue({ code: 'custom', path: [key], message })
}

export const PoolConfig = z
  .strictObject({
    ...Settings,
    pools: z
      .record(z.string().regex(/^[a-z][a-z0-9_]*$/), Section.superRefine(together))
      .default({})
      .describe('Further pools by name, at most 100.')
      .refine((pools) => Object.keys(pools).length <= 100, 'expected at most 100 pools'),
    requestContext: z
      .boolean()
      .default(true)
      .describe('Whether holders and usage show the request; runs each request in an AsyncLocalStorage.'),
  })
  .superRefine(together)
export type PoolConfig = z.output<typeof PoolConfig>

/** Of the pool `default`. Development has the values of the table. */
export const poolPresets = {
  testing: {
    size: 2,
    maxOverflow: 8,
    acquireTimeout: '10s',
    idleTimeout: '10s',
    leakThreshold: '10s',
    startup: 'once',
  },
  staging: { leakThreshold: '30s', slowStatement: '500ms' },
  production: { size: 20, maxOverflow: 40, minIdle: 2 },
} as const
