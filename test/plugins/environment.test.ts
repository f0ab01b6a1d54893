import { afterAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { catalog } from '../../plugins/catalog.ts'
import { environmentOverlays as overlays } from '../../plugins/environment.ts'
import { isServerUrl } from '../../plugins/server-url.ts'
import { load, removeFolders, sectionOf } from '../core/config/support.ts'

afterAll(removeFolders)

const shipped = readFileSync(new URL('../../config.yaml', import.meta.url), 'utf8')
const start = (env: Record<string, string>, yaml = shipped) => load(yaml, { env, catalog, overlays })

test('the shipped config.yaml works with no environment and no service', async () => {
  const { config, problems } = await start({})
  expect(problems).toEqual([])
  expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8080 })
  expect(config.plugins.map(({ name, disabled }) => [name, disabled])).toEqual([
    ['logging', undefined],
    ['metrics', undefined],
    ['health', undefined],
    ['store', undefined],
    ['audit', undefined],
    ['admin', undefined],
    ['host', undefined],
  ])
  expect((await config.describe()).effective).toMatchObject({
    plugins: { health: { checks: { database: { url: '' }, redis: { url: '' } }, watchdog: { port: 8081 } } },
  })
})

describe('each variable sets what the gateway meant by it', () => {
  const bare = 'server:\nplugins:\n  logging:\n  metrics:\n  health:\n'
  const cases: [env: Record<string, string>, effective: object][] = [
    [{ ENVIRONMENT: 'Production' }, { environment: 'production' }],
    [{ MONITORING_AUTO_START: 'False' }, { monitoring: { autoStart: false } }],
    [{ LOG_LEVEL: 'WARNING' }, { plugins: { logging: { level: 'warn' } } }],
    [{ LOG_LEVEL: 'critical' }, { plugins: { logging: { level: 'fatal' } } }],
    [{ LOG_LEVEL: 'NOTSET' }, { plugins: { logging: { level: 'trace' } } }],
    [{ LOG_LEVEL: 'debug' }, { plugins: { logging: { level: 'debug' } } }],
    [{ ENABLE_METRICS: 'no' }, { plugins: { metrics: { enabled: false } } }],
    [{ METRICS_PORT: '9100' }, { server: { port: 9100 } }],
    [{ REDIS_URL: 'rediss://h' }, { plugins: { health: { checks: { redis: { kind: 'redis', critical: true } } } } }],
    ...['postgres', 'postgresql', 'postgresql+psycopg2'].map((scheme): [Record<string, string>, object] => [
      { DATABASE_URL: `${scheme}://u:p@h/d` },
      { plugins: { health: { checks: { database: { kind: 'postgres', critical: true, url: '[redacted]' } } } } },
    ]),
    ...['mysql', 'mariadb', 'mysql+pymysql', 'MariaDB+asyncmy'].map((scheme): [Record<string, string>, object] => [
      { DATABASE_URL: `${scheme}://u:p@h/d` },
      { plugins: { health: { checks: { database: { kind: 'mysql' } } } } },
    ]),
  ]
  test.each(cases)('%j', async (env, effective) => {
    const { config, problems } = await start(env, bare)
    expect(problems).toEqual([])
    expect((await config.describe()).effective).toMatchObject(effective)
  })

  test('the +driver of SQLAlchemy is taken off, and the rest of config.yaml’s check stays', async () => {
    const loaded = await start({ DATABASE_URL: 'mysql+pymysql://user:pw@mariadb:3306/arkrelay' })
    expect(sectionOf(loaded, 'health').config).toMatchObject({
      checks: {
        database: { kind: 'mysql', url: 'mysql://user:pw@mariadb:3306/arkrelay', every: 10_000, critical: true },
      },
    })
    expect((await loaded.config.describe()).sources.get('/plugins/health/checks/database/url')).toEqual({
      kind: 'environment',
      variable: 'DATABASE_URL',
    })
    expect(JSON.stringify((await loaded.config.describe()).effective)).not.toContain('pw')
  })

  test('a check that exists is not made critical', async () => {
    const yaml = 'plugins:\n  health:\n    checks: { redis: { kind: redis, every: 3s } }\n'
    const loaded = await start({ REDIS_URL: 'redis://h' }, yaml)
    expect(sectionOf(loaded, 'health').config).toMatchObject({ checks: { redis: { critical: false, every: 3_000 } } })
  })

  test('ENABLE_METRICS=true brings metrics in, and switches it on', async () => {
    for (const yaml of ['', 'plugins:\n  metrics: { enabled: false }\n']) {
      expect(sectionOf(await start({ ENABLE_METRICS: '1' }, yaml), 'metrics').disabled).toBeUndefined()
    }
  })

  test.each([
    ['LOG_LEVEL', 'debug'],
    ['METRICS_PORT', '9100'],
    ['DATABASE_URL', 'sqlite:///x'],
    ['REDIS_URL', 'redis://h'],
  ])('%s is ignored where the configuration has nothing that it is for', async (variable, value) => {
    const { config, problems } = await start({ [variable]: value }, '')
    expect(problems).toEqual([])
    expect([config.plugins, config.server]).toEqual([[], undefined])
  })

  test('those of plugins to come are ignored', async () => {
    const later = overlays.filter(({ set }) => set === undefined)
    const env = Object.fromEntries(later.map(({ variable }) => [variable, 'nonsense']))
    const [given, plain] = await Promise.all([env, {}].map(async (each) => (await start(each)).config.describe()))
    expect(given!.effective).toEqual(plain!.effective)
  })
})

test.each([
  ['ENVIRONMENT', 'prodution', 'one of development, testing, staging, production, got "prodution"'],
  ['MONITORING_AUTO_START', 'maybe', 'true or false, got "maybe"'],
  ['ENABLE_METRICS', '2', 'true or false, got "2"'],
  ['METRICS_PORT', '8080/tcp', 'a port, 0 to 65535, got "8080/tcp"'],
  ['METRICS_PORT', '65536', 'a port, 0 to 65535, got "65536"'],
  [
    'LOG_LEVEL',
    'constructor',
    'one of notset, trace, debug, info, warn, warning, error, critical, fatal, got "constructor"',
  ],
  [
    'DATABASE_URL',
    'sqlite:///secret.db',
    'a URL that begins with postgres://, postgresql://, mysql://, mariadb://, got [redacted]',
  ],
  ['REDIS_URL', 'localhost:6379', 'a URL that begins with redis://, rediss://, got [redacted]'],
])('%s=%s is a problem that names it', async (variable, value, message) => {
  const { problems } = await start({ [variable]: value })
  expect(problems).toContainEqual(
    expect.stringContaining(`CONFIG_ENVIRONMENT environment variable ${variable}: expected ${message}`),
  )
})

const keys = {
  DATABASE_URL: [
    '  health: { checks: { db: { kind: postgres, url: URL } } }',
    '  pool: { url: URL }',
    '  pool: { pools: { more: { url: URL } } }',
  ],
  REDIS_URL: ['  health: { checks: { db: { kind: redis, url: URL } } }', '  redis: { url: URL }'],
}
const rests = [
  'u:s3cret@h:99999/x',
  'u:s3cret@h:port/x',
  'u:s3cret@',
  'u:s3cret@h:1:2',
  'u:s3cret@[::1/x',
  'u:s3#cret@h',
]
test('a long list of hosts behind a long password is refused immediately', () => {
  const startedMs = performance.now()
  expect(isServerUrl(`postgres://u:${'p'.repeat(60_000)}@${'a,'.repeat(30_000)}b/x`)).toBe(false)
  expect(performance.now() - startedMs).toBeLessThan(50)
})

test.each(Object.entries(keys).flatMap(([variable, yamls]) => rests.map((rest) => [variable, rest, yamls] as const)))(
  '%s with %s is refused without the value, as is the key',
  async (variable, rest, yamls) => {
    const url = `${variable === 'REDIS_URL' ? 'redis' : 'postgres'}://${rest}`
    for (const line of yamls) {
      const plugin = `plugins:\n${line.replace(/\{.*/, '')}\n`
      const given = await start({ [variable]: url }, plugin)
      expect(given.problems).toContainEqual(expect.stringContaining(`environment variable ${variable}: expected a URL`))
      const written = await start({}, `plugins:\n${line.replace('URL', `'${url}'`)}\n`)
      expect(written.problems).toContainEqual(expect.stringMatching(/url CONFIG_VALUE expected a url/i))
      expect([...given.problems, ...written.problems].join()).not.toContain('cret')
    }
  },
)

test.each(['postgres:///db', 'postgres://a:1,b:2/d', 'postgresql+asyncpg://u:p%40@[::1]:5432/d?ssl=1', 'postgres://h'])(
  'DATABASE_URL=%s is well-formed',
  async (url) => {
    expect((await start({ DATABASE_URL: url }, 'plugins:\n  health:\n  pool:\n')).problems).toEqual([])
  },
)

test('all malformed variables are reported at once', async () => {
  const { problems } = await start({ METRICS_PORT: 'x', ENABLE_METRICS: 'x', LOG_LEVEL: 'x' })
  expect(problems.length).toBe(3)
})

test('docs/configuration.md has one row for each variable, with everything that the variable sets', () => {
  const docs = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const rows = [...docs.matchAll(/^\| `([A-Z_]+)` +\|(.*)\|$/gm)]
  expect(rows.map(([, variable]) => variable)).toEqual([...new Set(overlays.map(({ variable }) => variable))])
  for (const { variable, effect } of overlays) expect(rows.find(([, name]) => name === variable)?.[2]).toContain(effect)
})
