/** The environment variables that operators of the gateway set already, and what each one sets here. */
import { type EnvironmentOverlay, type Level, parseBoolean } from '../core/plugin.ts'
import { isServerUrl, wellFormed } from './server-url.ts'

const environments = ['development', 'testing', 'staging', 'production']

/** Python's level names beside ours. */
const levels: Readonly<Record<string, Level>> = {
  ...{ notset: 'trace', trace: 'trace', debug: 'debug', info: 'info', warn: 'warn', warning: 'warn' },
  ...{ error: 'error', critical: 'fatal', fatal: 'fatal' },
}

const boolean =
  (...path: string[]): EnvironmentOverlay['set'] =>
  (text) => {
    const value = parseBoolean(text)
    return value === undefined ? { expected: 'true or false' } : [[path, value]]
  }

const oneOf =
  (path: readonly string[], values: Readonly<Record<string, string>>): EnvironmentOverlay['set'] =>
  (text) => {
    const key = text.toLowerCase()
    if (Object.hasOwn(values, key)) return [[path, values[key]]]
    return { expected: `one of ${Object.keys(values).join(', ')}` }
  }

/** Kind of check by URL scheme. */
const databases: Readonly<Record<string, string>> = {
  ...{ postgres: 'postgres', postgresql: 'postgres', mysql: 'mysql', mariadb: 'mysql' },
}
const redises: Readonly<Record<string, string>> = { redis: 'redis', rediss: 'redis' }

/** Points a check at a URL; the scheme chooses its kind, and `+driver` as SQLAlchemy writes it is taken off. */
const check =
  (name: string, kinds: Readonly<Record<string, string>>): EnvironmentOverlay['set'] =>
  (text, has) => {
    const [, scheme = '', rest] = /^([a-z]+)(?:\+\w+)?(:\/\/.+)$/i.exec(text) ?? []
    const kind = Object.hasOwn(kinds, scheme.toLowerCase()) ? kinds[scheme.toLowerCase()] : undefined
    if (kind === undefined) {
      const schemes = Object.keys(kinds).map((each) => `${each}://`)
      return { expected: `a URL that begins with ${schemes.join(', ')}` }
    }
    if (!isServerUrl(text)) return { expected: `a URL ${wellFormed}` }
    const path = ['plugins', 'health', 'checks', name]
    const target = [
      [[...path, 'kind'], kind],
      [[...path, 'url'], `${scheme.toLowerCase()}${rest}`],
    ] as const
    return has(path) ? target : [...target, [[...path, 'critical'], true]]
  }

const count =
  (path: readonly string[], least: number, most: number, unit?: string): EnvironmentOverlay['set'] =>
  (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most)) return { expected: `a whole number from ${least} to ${most}` }
    return [[path, unit === undefined ? value : `${value}${unit}`]]
  }

export const environmentOverlays: readonly EnvironmentOverlay[] = [
  {
    variable: 'ENVIRONMENT',
    effect: '`development`, `testing`, `staging` or `production`; sets `environment`, and with it the presets',
    set: oneOf(['environment'], Object.fromEntries(environments.map((each) => [each, each]))),
  },
  {
    variable: 'MONITORING_AUTO_START',
    effect: 'boolean; sets `monitoring.autoStart`. `false`: collectors, checks and rules wait for `arkwatch resume`',
    set: boolean('monitoring', 'autoStart'),
  },
  {
    variable: 'LOG_LEVEL',
    effect:
      '`trace`, `debug`, `info`, `warn`, `error`, `fatal`, or Python’s `NOTSET`, `WARNING`, `CRITICAL`, in any case; sets `plugins.logging.level`',
    where: ['plugins', 'logging'],
    set: oneOf(['plugins', 'logging', 'level'], levels),
  },
  {
    variable: 'ENABLE_METRICS',
    effect: 'boolean; sets `plugins.metrics.enabled`',
    set: boolean('plugins', 'metrics', 'enabled'),
  },
  {
    variable: 'METRICS_PORT',
    effect: 'port; sets `server.port`; ignored without `server`',
    where: ['server'],
    set: (text) =>
      /^\d{1,5}$/.test(text) && Number(text) <= 65_535
        ? [[['server', 'port'], Number(text)]]
        : { expected: 'a port, 0 to 65535' },
  },
  {
    variable: 'DATABASE_URL',
    effect:
      '`postgres://`, `postgresql://`, `mysql://` or `mariadb://`, with or without `+driver`; sets `url` and `kind` of `plugins.health.checks.database`, and makes that check, critical, if it is missing',
    secret: true,
    where: ['plugins', 'health'],
    set: check('database', databases),
  },
  {
    variable: 'DATABASE_URL',
    effect: 'sets `plugins.pool.url`; with a URL of MySQL or MariaDB the pool is `disabled`',
    secret: true,
    where: ['plugins', 'pool'],
    set: (text) => (isServerUrl(text) ? [[['plugins', 'pool', 'url'], text]] : { expected: `a URL ${wellFormed}` }),
  },
  {
    variable: 'REDIS_URL',
    effect:
      '`redis://` or `rediss://`; sets `url` of `plugins.health.checks.redis`, and makes that check, critical, if it is missing',
    secret: true,
    where: ['plugins', 'health'],
    set: check('redis', redises),
  },
  {
    variable: 'REDIS_URL',
    effect: 'sets `plugins.redis.url`',
    secret: true,
    where: ['plugins', 'redis'],
    set: (text) =>
      /^rediss?:\/\//i.test(text) && isServerUrl(text)
        ? [[['plugins', 'redis', 'url'], text]]
        : { expected: `a URL that begins with redis://, rediss://, ${wellFormed}` },
  },
  { variable: 'PERFORMANCE_OPTIMIZATION', effect: 'ignored until the plugin memory exists' },
  { variable: 'ALERTING_ENABLED', effect: 'ignored until the plugin alerting exists' },
  { variable: 'SLACK_WEBHOOK_URL', effect: 'ignored until the plugin alerting exists', secret: true },
  {
    variable: 'CACHE_ENABLED',
    effect: 'boolean; sets `plugins.cache.enabled`',
    set: boolean('plugins', 'cache', 'enabled'),
  },
  {
    variable: 'CACHE_DEFAULT_TTL',
    effect: 'seconds, at least 1; sets `plugins.cache.ttl`',
    where: ['plugins', 'cache'],
    set: (text) =>
      /^[1-9]\d{0,8}$/.test(text) ? [[['plugins', 'cache', 'ttl'], `${text}s`]] : { expected: 'a number of seconds' },
  },
  {
    variable: 'DB_POOL_SIZE',
    effect: 'connections, 1 to 1000; sets `plugins.pool.size`',
    where: ['plugins', 'pool'],
    set: count(['plugins', 'pool', 'size'], 1, 1_000),
  },
  {
    variable: 'DB_POOL_MAX_OVERFLOW',
    effect: 'connections, 0 to 1000; sets `plugins.pool.maxOverflow`',
    where: ['plugins', 'pool'],
    set: count(['plugins', 'pool', 'maxOverflow'], 0, 1_000),
  },
  {
    variable: 'DB_POOL_TIMEOUT',
    effect: 'seconds, 1 to 3600; sets `plugins.pool.acquireTimeout`',
    where: ['plugins', 'pool'],
    set: count(['plugins', 'pool', 'acquireTimeout'], 1, 3_600, 's'),
  },
  {
    variable: 'ADMIN_ENABLED',
    effect: 'boolean; sets `plugins.admin.enabled` if config.yaml has the section',
    set: (text, has) => {
      const value = parseBoolean(text)
      if (value === undefined) return { expected: 'true or false' }
      return has(['plugins', 'admin']) ? [[['plugins', 'admin', 'enabled'], value]] : []
    },
  },
  {
    variable: 'ADMIN_API_KEY',
    effect: 'at least 24 characters; sets `plugins.admin.apiKey`, a key with the role admin',
    secret: true,
    where: ['plugins', 'admin'],
    set: (text) => [[['plugins', 'admin', 'apiKey'], text]],
  },
  {
    variable: 'METRICS_RETENTION_DAYS',
    effect: 'days, 1 to 365; sets `plugins.admin.systemMetrics.retention`',
    where: ['plugins', 'admin'],
    set: (text) =>
      /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 365
        ? [[['plugins', 'admin', 'systemMetrics', 'retention'], `${Number(text)}d`]]
        : { expected: 'a number of days from 1 to 365' },
  },
]
