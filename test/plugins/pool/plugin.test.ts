import { expect, test } from 'bun:test'
import { applyEnvironment } from '../../../core/config/environment.ts'
import { fromPlain, toPlain } from '../../../core/config/tree/node.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { environmentOverlays } from '../../../plugins/environment.ts'
import { Pools } from '../../../plugins/pool/api.ts'
import { PoolConfig } from '../../../plugins/pool/config.ts'
import { unconfiguredReason } from '../../../plugins/pool/engine.ts'
import pool from '../../../plugins/pool/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

pluginContract(pool, { config: { url: 'postgres://u:hidden@127.0.0.1:1/d' } })

test('without a url of PostgreSQL there is nothing to do', () => {
  const reason = (url: string) => unconfiguredReason(PoolConfig.parse({ url }))
  expect(reason('')).toBe('url is empty')
  expect(reason('mysql://h/d')).toBe('url is not one of PostgreSQL')
  expect(reason('postgresql+psycopg2://h/d')).toBeUndefined()
  const extra = PoolConfig.parse({ url: 'postgres://h/d', pools: { second: {} } })
  expect(unconfiguredReason(extra)).toBe('the url of pools.second is empty')
})

test('each environment has its sizes, and a file or variable has the last word', async () => {
  const sizes = async (environment: string, section: object = {}) => {
    await using booted = await testRuntime({
      plugins: [pool],
      config: { environment, plugins: { pool: { url: 'postgres://u:p@127.0.0.1:1/d', startup: 'lazy', ...section } } },
    })
    const { max, min } = booted.runtime.service(Pools).get().status()
    return [max, min]
  }
  expect(await sizes('development')).toEqual([30, 0])
  expect(await sizes('testing')).toEqual([10, 0])
  expect(await sizes('staging')).toEqual([30, 0])
  expect(await sizes('production')).toEqual([60, 2])
  expect(await sizes('production', { size: 4, maxOverflow: 1, minIdle: 0 })).toEqual([5, 0])
})

test('the variables of the gateway set the environment, the url and the limits', () => {
  const env = {
    ENVIRONMENT: 'testing',
    DATABASE_URL: 'postgresql+psycopg2://u:p@h/d',
    DB_POOL_SIZE: '7',
    DB_POOL_MAX_OVERFLOW: '3',
    DB_POOL_TIMEOUT: '9',
  }
  const problems: Parameters<typeof applyEnvironment>[3] = []
  const root = applyEnvironment(
    fromPlain({ plugins: { pool: {} } }, { kind: 'default' }),
    environmentOverlays,
    env,
    problems,
  )
  expect(problems).toEqual([])
  expect(toPlain(root)).toMatchObject({
    environment: 'testing',
    plugins: { pool: { url: 'postgresql+psycopg2://u:p@h/d', size: 7, maxOverflow: 3, acquireTimeout: '9s' } },
  })
})

const refused: [what: string, section: object, path: string][] = [
  ['a validation that takes as long as a borrower waits', { acquireTimeout: '5s' }, 'validationTimeout'],
  ['an idle timeout below 10s', { idleTimeout: '9s' }, 'idleTimeout'],
  ['a lifetime below 30s', { maxLifetime: '29s' }, 'maxLifetime'],
  ['a keepalive below 30s', { keepalive: '10s' }, 'keepalive'],
  ['a keepalive as long as the lifetime', { keepalive: '30m' }, 'keepalive'],
  ['a leak threshold below 2s', { leakThreshold: '1s' }, 'leakThreshold'],
  ['a leak threshold above the lifetime', { leakThreshold: '31m' }, 'leakThreshold'],
  ['more idle connections than are kept', { size: 2, minIdle: 3 }, 'minIdle'],
]
test.each(refused)('%s is refused', (_, section, path) => {
  const { error } = PoolConfig.safeParse(section)
  expect(error?.issues.map((issue) => issue.path.join('.'))).toContain(path)
  const further = PoolConfig.safeParse({ pools: { a: section } })
  expect(further.error?.issues.map((issue) => issue.path.join('.'))).toContain(`pools.a.${path}`)
})

test('a pool starts without its server, or tries once, or waits, as it is told', async () => {
  const boot = async (section: object) => {
    await using booted = await testRuntime({
      clock: systemClock,
      plugins: [pool],
      config: { plugins: { pool: { url: 'postgres://u:p@127.0.0.1:1/d', ...section } } },
    })
    const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'pool')!
    return { state, reason }
  }
  expect(await boot({})).toMatchObject({ state: 'ok' })
  const once = await boot({ startup: 'once' })
  expect(once).toMatchObject({ state: 'failed', reason: expect.stringContaining('cannot be reached') })
  const startedMs = systemClock.monotonic()
  const waited = await boot({ startup: 'wait', startupTimeout: '1s' })
  expect(waited.state).toBe('failed')
  expect(systemClock.monotonic() - startedMs).toBeGreaterThanOrEqual(1_000)
})
