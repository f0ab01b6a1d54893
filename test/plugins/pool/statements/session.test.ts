import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../../core/process/clock.ts'
import type { Pool } from '../../../../plugins/pool/api.ts'
import { privatePostgres, sharedUrl } from '../../../support/services.ts'
import { codeOf, driverNames, eventually, outcome, realPool } from '../real-pool.ts'

// A database server answers in real time.

// A server is asked, and one is killed.
setDefaultTimeout(60_000)
const url = sharedUrl('postgres')

describe.each(driverNames)('over %s', (driver) => {
  const with_ = test.skipIf(url === undefined)
  const one = { size: 1, maxOverflow: 0 }
  const using_ = async (settings: object, work: (pool: Pool) => Promise<unknown>) => {
    const { pool, end } = await realPool(url!, { driver, settings })
    try {
      await work(pool)
    } finally {
      await end()
    }
  }
  const value = async (pool: Pool, expression: string) =>
    (await pool.query<{ v: unknown }>(`SELECT ${expression} AS v`))[0]?.v
  const active = async (pool: Pool, text: string) => {
    const rows = await pool.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
      [`%${text}%`],
      { lane: 'reserve' },
    )
    return rows[0]?.n
  }

  with_('nothing of a borrower is left for the next one, on the same connection', () =>
    using_(one, async (pool) => {
      const pid = await value(pool, 'pg_backend_pid()')
      await pool.query("SET application_name = 'mine'")
      await pool.query("SET search_path = 'nowhere'")
      await pool.query('SELECT pg_advisory_lock(42)')
      await pool.query('CREATE TEMP TABLE left_over (n int)')
      await pool.begin((tx) => tx.query("SELECT set_config('statement_timeout', '77777', false)"))
      const session = await pool.reserve()
      await session.query('SET ROLE pg_monitor')
      await session.query('LISTEN something')
      await session.query('DECLARE c CURSOR WITH HOLD FOR SELECT 1')
      await session.release()
      expect(await value(pool, "current_setting('search_path')")).toBe('"$user", public')
      expect(await value(pool, "current_setting('application_name')")).toBe('arkwatch-test')
      expect(await value(pool, "current_setting('statement_timeout')")).toBe('0')
      expect(await value(pool, 'current_user::text')).not.toBe('pg_monitor')
      expect(await value(pool, "to_regclass('pg_temp.left_over')::text")).toBeNull()
      expect(await value(pool, '(SELECT count(*)::int FROM pg_listening_channels())')).toBe(0)
      expect(await value(pool, '(SELECT count(*)::int FROM pg_cursors)')).toBe(0)
      const locks = "(SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
      expect(await value(pool, locks)).toBe(0)
      expect(await value(pool, 'pg_backend_pid()')).toBe(pid)
    }),
  )

  with_('a transaction that is left open is rolled back, or its connection closed, before it is lent again', () =>
    using_(one, async (pool) => {
      const transactionless = async () =>
        expect(await value(pool, "(now() <> statement_timestamp()) OR current_setting('a.b', true) = 'c'")).not.toBe(
          true,
        )
      await pool.query('BEGIN')
      await transactionless()
      const session = await pool.reserve()
      await session.query('BEGIN')
      await session.query("SELECT set_config('a.b', 'c', true)")
      await session.release()
      await transactionless()
      const unseen = await pool.reserve()
      await (unseen.raw as { unsafe(text: string): Promise<unknown> }).unsafe('BEGIN')
      await unseen.release()
      await transactionless()
      await Promise.all([unseen.release(), unseen.release()])
      expect(pool.status()).toMatchObject({ active: 0, idle: 1 })
    }),
  )

  with_('savepoints, JSON, arrays, and the handlers of promises work as users of postgres.js know them', () =>
    using_(one, async (pool) => {
      const { sql } = pool
      const kept = await pool.begin(async (tx) => {
        await tx`CREATE TEMP TABLE saved (n int) ON COMMIT DROP`
        await tx`INSERT INTO saved VALUES (1)`
        const undone = tx.savepoint(async (inner) => {
          await inner`INSERT INTO saved VALUES (2)`
          await inner`SELECT 1/0`
        })
        expect(await outcome(undone)).toBe('22012')
        const saved = await tx.savepoint((inner) => inner`INSERT INTO saved VALUES (3) RETURNING n`)
        expect([...saved]).toEqual([{ n: 3 }])
        return await tx`SELECT n FROM saved ORDER BY n`
      })
      expect([...kept]).toEqual([{ n: 1 }, { n: 3 }])
      expect([...(await sql`SELECT ${sql.json({ a: [1] })}::jsonb->'a'->>0 AS v`)]).toEqual([{ v: '1' }])
      expect(await sql`SELECT 1/0`.catch((error) => codeOf(error))).toBe('22012')
      let finished = false
      await sql`SELECT 1`.finally(() => {
        finished = true
      })
      expect(finished).toBe(true)
      expect(await outcome(pool.query('SELECT nonsense'))).toBe('42703')
    }),
  )

  with_('a transaction that the server undid is run again if asked, and no other', () =>
    using_({ size: 2, maxOverflow: 0 }, async (pool) => {
      await pool.query('CREATE TABLE IF NOT EXISTS counted (id int PRIMARY KEY, n int)')
      await pool.query('INSERT INTO counted VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET n = 0')
      let runs = 0
      /** Both have read before either writes. */
      let both = Promise.withResolvers<void>()
      let reads = 0
      const bothRead = () => {
        reads += 1
        if (reads % 2 === 0) both.resolve()
        return both.promise
      }
      const add = (retries: number) =>
        pool.begin(
          async (tx) => {
            runs += 1
            const [row] = await tx<{ n: number }>`SELECT n FROM counted WHERE id = 1`
            await bothRead()
            await tx`UPDATE counted SET n = ${(row?.n ?? 0) + 1} WHERE id = 1`
          },
          { isolation: 'serializable', retries },
        )
      expect((await Promise.all([outcome(add(0)), outcome(add(0))])).sort()).toEqual(['40001', 'ok'])
      both = Promise.withResolvers()
      await Promise.all([add(5), add(5)])
      expect(runs).toBeGreaterThanOrEqual(5)
      expect([...(await pool.query('SELECT n FROM counted'))]).toEqual([{ n: 3 }])
      runs = 0
      const failing = pool.begin(
        async (tx) => {
          runs += 1
          await tx`SELECT 1/0`
        },
        { retries: 5 },
      )
      expect([await outcome(failing), runs]).toEqual(['22012', 1])
      await pool.query('DROP TABLE counted')
    }),
  )

  with_('an abort ends the statement on the server, in a transaction too, and before it is sent', () =>
    using_(one, async (pool) => {
      const mark = `/* ${driver} aborted */`
      const abort = new AbortController()
      const running = pool.query(`SELECT pg_sleep(30) ${mark}`, [], { signal: abort.signal }).catch((reason) => reason)
      expect(await eventually(async () => (await active(pool, mark)) === 1)).toBe(true)
      abort.abort('enough')
      expect(await running).toBe('enough')
      expect(await active(pool, mark)).toBe(0)
      const whole = new AbortController()
      const begun = pool
        .begin((tx) => tx.query(`SELECT pg_sleep(30) ${mark}`), { signal: whole.signal })
        .catch((reason) => reason)
      expect(await eventually(async () => (await active(pool, mark)) === 1)).toBe(true)
      whole.abort('all of it')
      expect(await begun).toBe('all of it')
      expect(await active(pool, mark)).toBe(0)
      for (let turn = 0; turn < 20; turn += 1) {
        const early = new AbortController()
        const request = pool.query('SELECT pg_sleep(0.02)', [], { signal: early.signal }).then(
          () => 'ok',
          (reason) => reason,
        )
        for (let hop = 0; hop < turn % 4; hop += 1) await Promise.resolve()
        early.abort('early')
        expect(await request).toMatch(/early|ok/)
      }
      expect(await value(pool, '1')).toBe(1)
      expect(pool.status()).toMatchObject({ total: 1, active: 0, waiting: 0 })
    }),
  )

  test('an abort whose server is gone harms nobody', async () => {
    const server = await privatePostgres()
    const { pool, end } = await realPool(server.url, { driver, settings: one })
    const abort = new AbortController()
    const running = outcome(pool.query('SELECT pg_sleep(30)', [], { signal: abort.signal }))
    await systemClock.sleep(100)
    const killed = server.kill9()
    abort.abort(Object.assign(new Error('enough'), { code: 'enough' }))
    expect(await running).toBe('enough')
    await killed
    await systemClock.sleep(100)
    await end()
    await server.stop()
  })
})
