import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import pg from 'pg'
import postgres from 'postgres'
import { systemClock } from '../../../../core/process/clock.ts'
import { Pools, type Watched } from '../../../../plugins/pool/api.ts'
import pool from '../../../../plugins/pool/index.ts'
import { sharedUrl } from '../../../support/services.ts'
import { type AdminRuntime, bootAdmin } from '../../admin/support.ts'

// A database server answers in real time.

// A server is asked.
setDefaultTimeout(60_000)
const url = sharedUrl('postgres')
const with_ = test.skipIf(url === undefined)

let at: AdminRuntime
let pools: Pools
beforeAll(async () => {
  if (url === undefined) return
  at = await bootAdmin({ plugins: [pool], config: { plugins: { pool: { url, slowStatement: '50ms' } } } })
  pools = at.runtime.service(Pools)
})
afterAll(() => at?.stop())

interface Session {
  run(text: string): Promise<unknown>
  release(): unknown
}
interface App {
  readonly watched: Watched<unknown>
  one(text: string): Promise<unknown>
  hold(): Promise<Session>
  transaction(work: () => Promise<unknown>): Promise<unknown>
  end(): Promise<unknown>
}

function pgApp(): App {
  const client = new pg.Pool({ connectionString: url, max: 2 })
  const watched = pools.watch('orders_pg', client)
  const hold = async () => {
    const session = await watched.client.connect()
    return { run: (text: string) => session.query(text), release: () => session.release() }
  }
  return {
    watched,
    one: (text) => watched.client.query(text),
    hold,
    async transaction(work) {
      const { run, release } = await hold()
      await run('BEGIN')
      await work()
      await run('COMMIT')
      release()
    },
    end: () => client.end(),
  }
}
function sqlApp(name: string, client: postgres.Sql): App {
  const watched = pools.watch(name, client)
  const sql = watched.client
  return {
    watched,
    one: (text) => sql.unsafe(text),
    async hold() {
      const session = await sql.reserve()
      return { run: async (text) => await session.unsafe(text), release: () => session.release() }
    },
    transaction: (work) =>
      sql.begin(async (tx) => {
        await tx`SELECT ${1}::int AS first`
        await work()
      }),
    end: () => client.end(),
  }
}
const apps: [name: string, driver: string, open: () => App][] = [
  ['orders_pg', 'pg', pgApp],
  ['orders_postgres', 'postgres', () => sqlApp('orders_postgres', postgres(url ?? '', { max: 2 }))],
  ['orders_bun', 'bun', () => sqlApp('orders_bun', new Bun.SQL({ url, max: 2 } as never) as never)],
]

describe.each(apps)('a pool that an application owns: %s', (name, driver, open) => {
  with_('shows who holds, who waits, what it took, and is not acted upon', async () => {
    const app = open()
    const { watched } = app
    const first = await app.hold()
    const second = await app.hold()
    await first.run("SELECT 'SECRET VALUE'")
    const third = app.hold()
    await systemClock.sleep(20)
    expect(watched.status()).toMatchObject({ name, driver, owned: false, active: 2, waiting: 1, max: 2 })
    expect(watched.status().oldestWaitMs).toBeGreaterThanOrEqual(19)
    expect(watched.status().total).toBe(driver === 'pg' ? 2 : undefined)
    const [oldest] = watched.holders()
    expect(oldest).toMatchObject({ kind: 'reserve', statement: 'SELECT ?', runningMs: undefined })
    expect(oldest?.stack.join()).toContain('watch.test.ts')
    await first.release()
    await (await third).release()
    await second.release()
    let inside: unknown
    await app.transaction(async () => {
      inside = watched.holders()[0]?.idleInTransaction
    })
    expect(inside).toBe(true)
    await Promise.all([
      app.one('SELECT pg_sleep(0.1)'),
      app.one('SELECT pg_sleep(0.1)'),
      app.one('SELECT pg_sleep(0.1)'),
    ])
    await expect(Promise.resolve(app.one('SELECT 1/0'))).rejects.toThrow('division by zero')
    expect(watched.status()).toMatchObject({ active: 0, waiting: 0 })
    const statements = (await at.get('/admin/pool/statements')) as never as { pools: Record<string, object[]> }
    expect(statements.pools[name]).toContainEqual(
      expect.objectContaining({ statement: 'SELECT pg_sleep(?)', count: 3 }),
    )
    expect(statements.pools[name]).toContainEqual(expect.objectContaining({ statement: 'SELECT ?/?', errors: 1 }))
    const slow = (await at.get('/admin/pool/slow')) as never as { pools: Record<string, object[]> }
    expect(slow.pools[name]?.[0]).toMatchObject({ statement: 'SELECT pg_sleep(?)' })
    const all = JSON.stringify([await at.get('/admin/pool'), await at.get('/admin/pool/holders'), statements, slow])
    expect(all).toContain(name)
    expect(all).not.toContain('SECRET VALUE')
    const lines = (await (await at.send('/metrics', { key: null })).text()).split('\n')
    const value = (start: string) =>
      Number(
        lines
          .find((line) => line.startsWith(start))
          ?.split(' ')
          .at(-1),
      )
    expect(value(`arkwatch_pool_connections_max{pool="${name}"}`)).toBe(2)
    expect(value(`arkwatch_pool_connections_active{pool="${name}"}`)).toBe(0)
    expect(value(`arkwatch_pool_acquire_seconds_count{pool="${name}"}`)).toBeGreaterThanOrEqual(8)
    expect(value(`arkwatch_pool_usage_seconds_sum{pool="${name}"}`)).toBeGreaterThan(0.3)
    expect(lines.some((line) => line.startsWith(`arkwatch_pool_connections{pool="${name}"}`))).toBe(driver === 'pg')
    expect(await at.codeOf(`/admin/pool/${name}/pause`, { json: {} })).toEqual([409, 'POOL_NOT_OWNED'])
    watched.stop()
    await app.one('SELECT 1')
    expect(JSON.stringify(await at.get('/admin/pool'))).not.toContain(name)
    const after = await (await at.send('/metrics', { key: null })).text()
    expect(after.includes(`pool="${name}"`)).toBe(false)
    await app.end()
  })
})

with_('what is no pool, and a name that is taken, are refused', () => {
  const codeOf = (name: string, client: unknown) => {
    try {
      pools.watch(name, client)
      return 'ok'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const client = new pg.Pool({ connectionString: url })
  expect(codeOf('default', client)).toBe('POOL_WATCH_REFUSED')
  expect(codeOf('Bad name', client)).toBe('POOL_WATCH_REFUSED')
  expect(codeOf('other', {})).toBe('POOL_WATCH_REFUSED')
  expect(codeOf('other', undefined)).toBe('POOL_WATCH_REFUSED')
  for (let index = 0; index < 100; index += 1) expect(codeOf(`many_${index}`, new pg.Pool({}))).toBe('ok')
  expect(codeOf('one_more', client)).toBe('POOL_WATCH_REFUSED')
})
