import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Pools } from '../../../plugins/pool/api.ts'
import pool from '../../../plugins/pool/index.ts'
import { sharedUrl } from '../../support/services.ts'
import { type AdminRuntime, bootAdmin } from '../admin/support.ts'

// A server is asked.
setDefaultTimeout(60_000)
const url = sharedUrl('postgres')
let at: AdminRuntime | undefined
afterAll(() => at?.stop())

test.skipIf(url === undefined)('a pool is measured, checked, and shown with its holders, without values', async () => {
  at = await bootAdmin({ plugins: [pool], config: { plugins: { pool: { url, size: 2, maxOverflow: 0 } } } })
  const service = at.runtime.service(Pools)
  expect((await service.get().query<{ n: number }>('SELECT 41 + $1::int AS n', [1]))[0]?.n).toBe(42)
  const unknown = (() => {
    try {
      service.get('other')
      return 'found'
    } catch (error) {
      return (error as { code: string }).code
    }
  })()
  expect(unknown).toBe('POOL_UNKNOWN')
  const session = await service.get().reserve()
  await session.query("SELECT 'SECRET VALUE'")
  const { pools } = (await at.get('/admin/pool')) as never as { pools: { default: object } }
  expect(pools.default).toMatchObject({ active: 1, max: 2, unavailable: false })
  const holders = JSON.stringify(await at.get('/admin/pool/holders'))
  expect(holders).toContain('"kind":"reserve"')
  expect(holders).not.toContain('SECRET VALUE')
  expect(JSON.stringify(await at.get('/admin/pool/statements'))).not.toContain('SECRET VALUE')
  await session.release()
  const metrics = await (await at.send('/metrics', { key: null })).text()
  expect(metrics).toContain('arkwatch_pool_connections_active{pool="default"} 0')
  expect(metrics).toMatch(/arkrelay_database_query_duration_seconds_count\{query_type="select"\} \d/)
  expect(metrics).toMatch(/arkwatch_pool_usage_seconds_count\{pool="default"\} \d/)
  // What was before the first scrape counts: one statement, and one connection lent for longer.
  expect(metrics).toContain('arkwatch_pool_acquire_seconds_count{pool="default"} 2')
})

test.skipIf(url === undefined)(
  'a BEGIN that is given up leaves no connection in a transaction, and a held lease of the reserve lane is its own',
  async () => {
    at ??= await bootAdmin({ plugins: [pool], config: { plugins: { pool: { url, size: 2, maxOverflow: 0 } } } })
    const database = at.runtime.service(Pools).get()
    for (let round = 0; round < 20; round += 1) {
      const controller = new AbortController()
      const begun = database
        .begin(async (tx) => tx.query('SELECT pg_sleep(5)'), { signal: controller.signal })
        .catch(() => 'given up')
      // A real timer: the server is asked in between.
      await Bun.sleep(round % 5)
      controller.abort(new Error('given up'))
      expect(await begun).toBe('given up')
    }
    const stuck = await database.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'arkwatch-default' AND state LIKE 'idle in transaction%'",
      [],
      { lane: 'reserve' },
    )
    expect(stuck[0]).toEqual({ n: 0 })
  },
)
