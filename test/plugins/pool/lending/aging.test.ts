/** How connections age on a real server, as its pg_stat_activity shows it; and a server that comes late. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import postgres, { type Sql } from 'postgres'
import { systemClock } from '../../../../core/process/clock.ts'
import { Health } from '../../../../plugins/health/api.ts'
import health from '../../../../plugins/health/index.ts'
import { Pools } from '../../../../plugins/pool/api.ts'
import plugin from '../../../../plugins/pool/index.ts'
import { testRuntime } from '../../../../testing/test-runtime.ts'
import { type Instance, privatePostgres } from '../../../support/services.ts'
import { driverNames, eventually, outcome, realPool } from '../real-pool.ts'

// A database server answers in real time.

// Lifetimes pass, and a server is killed.
setDefaultTimeout(60_000)

let server: Instance
let admin: Sql
beforeAll(async () => {
  server = await privatePostgres()
  admin = postgres(server.url, { max: 1 })
})
afterAll(async () => {
  await admin.end()
  await server.stop()
})

interface Backend {
  readonly pid: number
  readonly changedMs: number
}

describe.each(driverNames)('over %s', (driver) => {
  const applicationName = `aging-${driver}`
  const backends = async (): Promise<readonly Backend[]> =>
    admin<Backend[]>`SELECT pid, extract(epoch FROM state_change)::float8 * 1000 AS "changedMs"
      FROM pg_stat_activity WHERE application_name = ${applicationName} ORDER BY pid`
  const open = (settings: Parameters<typeof realPool>[1]['settings']) =>
    realPool(server.url, { driver, applicationName, settings: { size: 3, maxOverflow: 0, ...settings } })
  const threeAtOnce = (pool: Awaited<ReturnType<typeof open>>['pool']) =>
    Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.2)')))

  test('idle connections go after idleTimeout, not before, down to minIdle', async () => {
    const { pool, end } = await open({ idleTimeout: 1_500, minIdle: 1 })
    await threeAtOnce(pool)
    const idleSinceMs = systemClock.monotonic()
    expect(await backends()).toHaveLength(3)
    expect(await eventually(async () => (await backends()).length < 3)).toBe(true)
    expect(systemClock.monotonic() - idleSinceMs).toBeGreaterThanOrEqual(1_450)
    expect(await eventually(async () => (await backends()).length === 1)).toBe(true)
    await systemClock.sleep(500)
    expect(await backends()).toHaveLength(1)
    expect(pool.status().closed).toEqual({ idle: 2 })
    await end()
  })

  test('connections are renewed after maxLifetime, one that is lent when it comes back', async () => {
    const { pool, end } = await open({ maxLifetime: 1_000, minIdle: 2 })
    const session = await pool.reserve()
    expect(await eventually(async () => (await backends()).length === 3)).toBe(true)
    const first = (await backends()).map(({ pid }) => pid)
    // One may be on its way at any moment.
    const renewed = async () => {
      const later = (await backends()).map(({ pid }) => pid)
      return (
        later.length === 3 &&
        Bun.deepEquals(
          later.filter((pid) => first.includes(pid)),
          [session.pid],
        )
      )
    }
    await systemClock.sleep(1_100)
    expect(await eventually(renewed)).toBe(true)
    expect([...(await session.query('SELECT pg_backend_pid() AS pid'))]).toEqual([{ pid: session.pid }])
    await session.release()
    expect(await eventually(async () => !(await backends()).some(({ pid }) => pid === session.pid))).toBe(true)
    expect(Object.keys(pool.status().closed)).toEqual(['lifetime'])
    await end()
  })

  test('idle connections are asked for a sign of life every keepalive', async () => {
    const { pool, end } = await open({ keepalive: 300 })
    await threeAtOnce(pool)
    const before = await backends()
    await systemClock.sleep(1_000)
    const after = await backends()
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid))
    for (const [index, { changedMs }] of after.entries())
      expect(changedMs - before[index]!.changedMs).toBeGreaterThan(250)
    await end()
  })

  test('one that has gone silent is found out before it is lent, and replaced', async () => {
    const { pool, end } = await open({
      size: 1,
      validateAfter: 100,
      validationTimeout: 300,
      acquireTimeout: 5_000,
    })
    const [row] = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    process.kill(row!.pid, 'SIGSTOP')
    await systemClock.sleep(200)
    const startedMs = systemClock.monotonic()
    const [other] = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    expect(systemClock.monotonic() - startedMs).toBeGreaterThanOrEqual(290)
    expect(other!.pid).not.toBe(row!.pid)
    expect(pool.status().closed).toEqual({ invalid: 1 })
    process.kill(row!.pid, 'SIGCONT')
    // Its socket was closed, so that the server sees the end of it.
    expect(await eventually(async () => !(await backends()).some(({ pid }) => pid === row!.pid))).toBe(true)
    await end()
  })
})

test('a server that comes late is waited for, and its check is up then', async () => {
  const own = await privatePostgres()
  await own.kill9()
  const booting = testRuntime({
    clock: systemClock,
    plugins: [plugin, health],
    config: { plugins: { pool: { url: own.url, startup: 'wait', startupTimeout: '30s' }, health: {} } },
  })
  await systemClock.sleep(1_500)
  await own.restart()
  await using booted = await booting
  const { runtime } = booted
  expect(runtime.status().plugins.find(({ name }) => name === 'pool')).toMatchObject({ state: 'ok' })
  const pool = runtime.service(Pools).get()
  expect(await outcome(pool.query('SELECT 1'))).toBe('ok')
  expect(pool.status().connectFailures).toBeGreaterThan(0)
  const check = () =>
    runtime
      .service(Health)
      .checks()
      .find(({ name }) => name === 'pool.default')
  expect(await eventually(() => check()?.status === 'up')).toBe(true)
  await own.stop()
})
