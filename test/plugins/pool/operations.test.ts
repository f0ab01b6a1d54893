import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Hono } from 'hono'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { Pools } from '../../../plugins/pool/api.ts'
import pool from '../../../plugins/pool/index.ts'
import { sharedUrl } from '../../support/services.ts'
import { type AdminRuntime, bootAdmin } from '../admin/support.ts'

// A database server answers in real time.

// A server is asked.
setDefaultTimeout(60_000)
const url = sharedUrl('postgres')
const with_ = test.skipIf(url === undefined)

type Json = Record<string, never>
interface Named {
  readonly pools: { readonly default: Json & Json[] }
}

/** Holds a connection, as a route of an application does. */
const shop = definePlugin({
  api: 1,
  name: 'shop',
  version: '1.0.0',
  summary: 'Sells.',
  config: z.strictObject({}),
  needs: { pools: Pools },
  setup: ({ needs }) => ({
    routes: new Hono()
      .get('/orders/:id', async (c) => {
        const { pid } = await needs.pools.get().begin(async (tx) => {
          await tx`SELECT pg_sleep(0.2)`
          return tx
        })
        return c.json({ pid })
      })
      .get('/both', async (c) => {
        const first = await needs.pools.get().reserve()
        try {
          await first.query('SELECT pg_sleep(0.1)')
          const second = await needs.pools.get().reserve()
          await second.release()
          return c.json({ ok: true })
        } catch (error) {
          return c.json({ code: (error as { code: string }).code, message: (error as Error).message }, 503)
        } finally {
          await first.release()
        }
      }),
  }),
})

const section = { url, size: 2, maxOverflow: 0, slowStatement: '100ms' }
let at: AdminRuntime
beforeAll(async () => {
  if (url !== undefined)
    at = await bootAdmin({ plugins: [pool, shop], config: { plugins: { pool: section, shop: {} } } })
})
afterAll(() => at?.stop())

const command = (name: string, args: Record<string, unknown> = {}) => at.runtime.commands().get(name)!.run(args)
const codeOf = async (call: () => unknown) => {
  try {
    await call()
    return 'ok'
  } catch (error) {
    return (error as { code?: string }).code
  }
}
const read = async (path: string) => ((await at.get(path)) as never as Named).pools.default

with_('who holds is known with its route and request, and what each route took', async () => {
  const request = at.send('/orders/7', { key: null, headers: { 'x-request-id': 'order-7' } })
  let holders: Json[] = []
  for (let turn = 0; turn < 100 && holders.length === 0; turn += 1) {
    holders = (await read('/admin/pool/holders')).filter(({ kind }) => kind === 'begin')
    await systemClock.sleep(5)
  }
  expect(holders[0]).toMatchObject({ kind: 'begin', route: 'GET /orders/:id', requestId: 'order-7' })
  expect((await request).status).toBe(200)
  const [usage] = await read('/admin/pool/routes')
  expect(usage).toMatchObject({ route: 'GET /orders/:id', count: 1 })
  expect(Number(usage?.heldMs)).toBeGreaterThan(150)
  const [slow] = await read('/admin/pool/slow')
  expect(slow).toMatchObject({ statement: 'SELECT pg_sleep(?)', route: 'GET /orders/:id', requestId: 'order-7' })
  const metrics = (await (await at.send('/metrics', { key: null })).text()).split('\n')
  expect(metrics.find((line) => line.startsWith('arkwatch_pool_route_acquisitions_total'))).toBe(
    'arkwatch_pool_route_acquisitions_total{pool="default",route="GET /orders/:id"} 1',
  )
  expect(metrics.find((line) => line.startsWith('arkwatch_pool_slow_statements_total'))).toMatch(/[1-9]$/)
  expect(metrics.find((line) => line.startsWith('arkwatch_pool_statement_seconds_total'))).toMatch(
    /fingerprint="[0-9a-f]{16}"\} 0\.[2-9]/,
  )
})

with_('two handlers that each reserve two of two connections are told at once, with both places', async () => {
  const startedMs = systemClock.monotonic()
  const answers = await Promise.all([at.send('/both', { key: null }), at.send('/both', { key: null })])
  expect(systemClock.monotonic() - startedMs).toBeLessThan(1_000)
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 503])
  const refused = (await answers.find(({ status }) => status === 503)!.json()) as { code: string; message: string }
  expect(refused.code).toBe('POOL_DEADLOCK')
  expect(refused.message.match(/reserve GET \/both [^|;]*operations\.test\.ts/g)).toHaveLength(3)
})

with_('a statement that the pool ran is explained by its fingerprint, never run, and without values', async () => {
  const database = at.runtime.service(Pools).get()
  await database.query('CREATE TABLE IF NOT EXISTS explained (id int PRIMARY KEY, name text)')
  await database.query('TRUNCATE explained')
  await database.sql`INSERT INTO explained VALUES (${1}, ${'a'})`
  await database.sql`UPDATE explained SET name = ${'b'} WHERE id = ${1}`
  await database.query("DELETE FROM explained WHERE name = 'SECRET VALUE'")
  await database.query("SELECT * FROM explained WHERE id = $1 AND name <> 'SECRET VALUE'", [1])
  const condition = database.sql`WHERE id = ${1}`
  await database.sql`SELECT name FROM explained ${condition}`
  const rows = (await read('/admin/pool/statements')) as unknown as { id: string; statement: string }[]
  const plan = async (start: string) => {
    const { id } = rows.find(({ statement }) => statement.startsWith(start))!
    return JSON.stringify(await at.get(`/admin/pool/default/statements/${id}/plan`))
  }
  expect(await plan('INSERT INTO explained')).toContain('ModifyTable')
  expect(await plan('UPDATE explained')).toContain('Index Cond')
  expect(await plan('DELETE FROM explained')).toMatch(/"Filter":"\(name = \?::text\)"/)
  const select = await plan('SELECT * FROM explained')
  expect(select).toContain('"Index Cond":"(id = ?)"')
  expect(select).not.toContain('SECRET VALUE')
  expect(await plan('SELECT name FROM explained')).toContain('Index Cond')
  expect(await plan('TRUNCATE')).toContain('POOL_EXPLAIN_REFUSED')
  expect([...(await database.sql`SELECT id, name FROM explained`)]).toEqual([{ id: 1, name: 'b' }])
  expect(await at.codeOf(`/admin/pool/default/statements/${'0'.repeat(16)}/plan`)).toEqual([
    404,
    'POOL_STATEMENT_UNKNOWN',
  ])
  const operator = await at.keyOf('operator')
  const { id } = rows[0]!
  expect(await at.codeOf(`/admin/pool/default/statements/${id}/plan`, { key: operator })).toEqual([
    403,
    'ADMIN_FORBIDDEN',
  ])
  expect(await at.codeOf('/admin/pool/other/statements/0123456789abcdef/plan')).toEqual([404, 'POOL_UNKNOWN'])
  await database.query('DROP TABLE explained')
  expect(await plan('SELECT * FROM explained')).toContain('does not exist')
})

with_('operators pause, resume and evict by API and control socket; viewers do not', async () => {
  const database = at.runtime.service(Pools).get()
  const viewer = await at.keyOf('viewer')
  const post = (action: string, json: object = {}) => at.send(`/admin/pool/default/${action}`, { json })
  expect(await at.codeOf('/admin/pool/default/pause', { json: {}, key: viewer })).toEqual([403, 'ADMIN_FORBIDDEN'])
  expect((await post('pause')).status).toBe(200)
  const waiting = database.query<{ n: number }>('SELECT 1 AS n')
  const { pgbouncer, paused } = (await read('/admin/pool')) as Record<string, never>
  expect([pgbouncer, paused]).toMatchObject([{ cl_waiting: 1, sv_active: 0, cl_active: 0 }, true])
  expect((await post('resume')).status).toBe(200)
  expect((await waiting)[0]?.n).toBe(1)
  const { pid } = (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!
  expect(await (await post('evict', { pid })).json()).toMatchObject({ pool: 'default', evicted: 1 })
  const after = (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!
  expect(after.pid).not.toBe(pid)
  expect(await at.codeOf('/admin/pool/default/evict', { json: { pid: -1 } })).toEqual([422, 'ADMIN_INVALID'])
  expect(await command('pool.evict')).toMatchObject({ pool: 'default', action: 'evict', status: { name: 'default' } })
  expect(await command('pool.pause')).toMatchObject({ status: { paused: true } })
  expect(await command('pool.resume')).toMatchObject({ status: { paused: false } })
  expect(await codeOf(() => command('pool.pause', { pid: 1 }))).toBe('CONTROL_BAD_REQUEST')
  expect(await codeOf(() => command('pool.drain', { timeout: '2m' }))).toBe('CONTROL_BAD_REQUEST')
  expect(await codeOf(() => command('pool', { pool: 'other' }))).toBe('POOL_UNKNOWN')
  for (const name of ['pool', 'pool.holders', 'pool.statements', 'pool.slow', 'pool.routes'])
    expect(await command(name)).toHaveProperty(['pools', 'default'])
  const { records } = (await at.get('/admin/audit?action=pool.evict')) as never as { records: unknown[] }
  expect(records.length).toBeGreaterThanOrEqual(2)
})

with_('a reload takes other limits and another server in place; who waits and who holds is not disturbed', async () => {
  const own = await bootAdmin({ plugins: [pool], config: { plugins: { pool: section } } })
  try {
    const config = (more: object) => ({
      server: { port: 0 },
      plugins: {
        logging: { console: { enabled: false } },
        health: {},
        admin: { apiKey: 'Kx7-correct-horse-battery-staple-9' },
        pool: { ...section, ...more },
      },
    })
    const pools = own.runtime.service(Pools)
    const database = pools.get()
    const held = await Promise.all([database.reserve(), database.reserve()])
    const waiting = database.query<{ n: number }>('SELECT 3 AS n')
    expect(database.status().waiting).toBe(1)
    const steps = await own.reload(config({ size: 3 }))
    expect(steps.find(({ plugin }) => plugin === 'pool')?.action).toBe('reconfigure')
    expect((await waiting)[0]?.n).toBe(3)
    expect(database.status()).toMatchObject({ max: 3, active: 2 })
    const dead = 'postgres://u:p@127.0.0.1:1/d'
    expect(await codeOf(() => own.reload(config({ size: 3, url: dead })))).toBe('RELOAD_FAILED')
    const unlearned = await own.reload(config({ size: 3, requestContext: false })).catch((error) => error)
    expect(String(unlearned)).toContain('requestContext of pool cannot change')
    // POOL_NEEDS_RESTART, POOL_UNAVAILABLE: nothing has changed.
    expect(await codeOf(() => held[0]!.query('SELECT 1'))).toBe('ok')
    const before = held.map(({ pid }) => pid)
    await own.reload(config({ size: 3, driver: 'bun', pools: { second: { url } } }))
    expect(database.status().driver).toBe('bun')
    expect(pools.names).toEqual(['default', 'second'])
    expect((await held[0]!.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]?.pid).toBe(before[0])
    for (const session of held) await session.release()
    const { pid } = (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!
    expect(before).not.toContain(pid)
    expect((await pools.get('second').query<{ n: number }>('SELECT 2 AS n'))[0]?.n).toBe(2)
    await own.reload(config({ size: 3, driver: 'bun' }))
    expect(pools.names).toEqual(['default'])
    const metrics = await (await own.send('/metrics', { key: null })).text()
    expect(metrics).not.toContain('pool="second"')
    expect(await codeOf(() => own.reload(config({ url: 'mysql://h/d' })))).toBe('ok')
    const { plugins } = own.runtime.status()
    expect(plugins.find(({ name }) => name === 'pool')).toMatchObject({
      state: 'disabled',
      reason: 'url is not one of PostgreSQL',
    })
  } finally {
    await own.stop()
  }
})

with_('drain closes the pool, which says so', async () => {
  const own = await bootAdmin({ plugins: [pool], config: { plugins: { pool: section } } })
  try {
    const operator = await own.keyOf('operator')
    const drain = (key?: string) => own.codeOf('/admin/pool/default/drain', { json: {}, ...(key && { key }) })
    expect(await drain(operator)).toEqual([403, 'ADMIN_FORBIDDEN'])
    expect((await drain())[0]).toBe(200)
    expect(await codeOf(() => own.runtime.service(Pools).get().query('SELECT 1'))).toBe('POOL_CLOSED')
    expect(await own.codeOf('/admin/pool/default/resume', { json: {} })).toEqual([503, 'POOL_CLOSED'])
  } finally {
    await own.stop()
  }
})
