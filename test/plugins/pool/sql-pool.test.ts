import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { bunDriver } from '../../../plugins/pool/drivers/bun.ts'
import { postgresDriver } from '../../../plugins/pool/drivers/postgres.ts'
import { SqlPool } from '../../../plugins/pool/sql-pool.ts'
import { type Instance, privatePostgres } from '../../support/services.ts'
import { defaults } from './support.ts'

// A database server answers in real time.

// A server is started, killed and started again.
setDefaultTimeout(60_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres()
})
afterAll(() => server?.stop())

const codeOf = (thrown: unknown) => (thrown as { code?: string }).code
const outcome = (request: PromiseLike<unknown>) => Promise.resolve(request).then(() => 'ok', codeOf)
const lines: { message: string; fields: Record<string, unknown> }[] = []
const write = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
const log = { warn: write, info: write } as unknown as Logger

const drivers = { postgres: postgresDriver, bun: bunDriver }

describe.each(['postgres', 'bun'] as const)('over %s', (driverName) => {
  const open = async (changed: Partial<typeof defaults> = {}, statementTimeout = 0) => {
    const settings = { ...defaults, leakThreshold: 1, slowStatement: 150, statementTimeout, ...changed }
    const driver = await drivers[driverName]({ ...settings, url: server.url, applicationName: `pool-${driverName}` })
    return new SqlPool({
      name: 'default',
      driver,
      driverName,
      settings,
      clock: systemClock,
      log,
    })
  }

  test('text, templates with parts, and transactions give rows', async () => {
    const pool = await open()
    expect([...(await pool.query('SELECT $1::int + 1 AS n', [1]))]).toEqual([{ n: 2 }])
    const part = pool.sql`WHERE n > ${1}`
    expect([...(await pool.sql`SELECT n FROM generate_series(1, 2) n ${part}`)]).toEqual([{ n: 2 }])
    await pool.query('CREATE TABLE IF NOT EXISTS things (n int)')
    await pool.query('TRUNCATE things')
    await pool.begin(async (tx) => {
      await Promise.all([tx`INSERT INTO things VALUES (1)`, tx`INSERT INTO things ${tx({ n: 2 })}`])
      expect(pool.holders()).toMatchObject([{ kind: 'begin', idleInTransaction: true, pid: tx.pid }])
      expect(pool.holders()[0]?.stack[0]).toContain('sql-pool.test.ts')
    })
    const undone = pool.begin(async (tx) => {
      await tx`DELETE FROM things`
      throw new Error('no')
    })
    await expect(undone).rejects.toThrow('no')
    const swallowed = pool.begin(async (tx) => void (await tx`SELECT 1/0`.then(undefined, () => {})))
    expect(await outcome(swallowed)).toBe('POOL_ROLLED_BACK')
    expect([...(await pool.query('SELECT count(*)::int AS n FROM things'))]).toMatchObject([{ n: 2 }])
    expect(pool.statements().map((each) => each.statement)).toContain('SELECT count(*)::int AS n FROM things')
    expect(pool.status()).toMatchObject({ active: 0, waiting: 0 })
    await pool.drain()
  })

  test('total, active and idle are those of pg_stat_activity, and an exhausted pool leaves the reserve', async () => {
    const pool = await open({ size: 3, maxOverflow: 0 })
    const sessions = await Promise.all([pool.reserve(), pool.reserve(), pool.reserve()])
    await sessions[0]?.release()
    await sessions[1]?.query('BEGIN')
    const sleeping = sessions[2]?.query('SELECT pg_sleep(0.3)')
    const waiting = [pool.query('SELECT 1'), pool.query('SELECT pg_sleep(0.2)'), pool.query('SELECT 2')]
    const seen = await pool.query<{ state: string; n: number }>(
      `SELECT pid, state FROM pg_stat_activity WHERE application_name = 'pool-${driverName}' AND pid <> pg_backend_pid()`,
      [],
      { lane: 'reserve' },
    )
    const { total, active, idle } = pool.status()
    expect(active + idle).toBe(total)
    expect(seen.length).toBe(total)
    expect(seen.filter((row) => row.state === 'idle in transaction').length).toBe(1)
    await Promise.all([...waiting, sleeping])
    await sessions[1]?.release()
    await sessions[2]?.release()
    expect(pool.status()).toMatchObject({ total: 3, idle: 3, active: 0 })
    await pool.drain()
    expect(await outcome(pool.query('SELECT 1'))).toBe('POOL_CLOSED')
  })

  test('values come as the README says', async () => {
    const pool = await open()
    const [row] = await pool.query(`SELECT 9007199254740993::bigint AS big, 1.50::numeric AS exact, 7::int AS small,
      2.5::float8 AS real, timestamptz '2026-01-02 03:04:05Z' AS zoned, timestamp '2026-01-02 03:04:05' AS local`)
    expect(row).toEqual({
      ...{ big: '9007199254740993', exact: '1.50', small: 7, real: 2.5, zoned: new Date('2026-01-02T03:04:05Z') },
      local: new Date(2026, 0, 2, 3, 4, 5),
    })
    await pool.drain()
  })

  test('a signal cancels on the server, and the connection stays usable', async () => {
    const pool = await open({ size: 1, maxOverflow: 0 })
    const session = await pool.reserve()
    const abort = new AbortController()
    const running = session
      .query('SELECT pg_sleep(30)', [], { signal: abort.signal })
      .then(undefined, (reason) => reason)
    // The statement must have reached the server.
    await systemClock.sleep(100)
    abort.abort('enough')
    expect(await running).toBe('enough')
    expect([...(await session.query('SELECT pg_backend_pid() AS pid'))]).toEqual([{ pid: session.pid }])
    await session.release()
    expect(await outcome(session.query('SELECT 1'))).toBe('POOL_RELEASED')
    await pool.drain()
  })

  test('the server ends a statement after its timeout, and slow ones are logged without values', async () => {
    const pool = await open({}, 200)
    expect(await outcome(pool.query(`SELECT pg_sleep(5), 'secret'`))).toBe('POOL_STATEMENT_TIMEOUT')
    const slow = lines.findLast((line) => line.message === 'slow statement')
    expect(slow?.fields).toMatchObject({ statement: 'SELECT pg_sleep(?), ?', failed: true })
    await pool.drain()
  })

  test('a backend that is ended is replaced; what is idempotent is repeated', async () => {
    const pool = await open({ size: 1, maxOverflow: 0 })
    const kill = (pid: number) => pool.query('SELECT pg_terminate_backend($1)', [pid], { lane: 'reserve' })
    const session = await pool.reserve()
    const running = outcome(session.query('SELECT pg_sleep(30)'))
    const queued = outcome(session.query('SELECT 1'))
    // The statement must have reached the server.
    await systemClock.sleep(100)
    await kill(session.pid)
    expect(await running).toBe('POOL_CONNECTION_LOST')
    expect(await queued).toBe('POOL_CONNECTION_LOST')
    await session.release()
    const again = pool.query('SELECT pg_sleep(0.3), 7 AS n', [], { idempotent: true })
    await systemClock.sleep(100)
    await kill(pool.holders()[0]?.pid ?? 0)
    expect([...(await again)]).toMatchObject([{ n: 7 }])
    expect(pool.status()).toMatchObject({ total: 1, active: 0 })
    await pool.drain()
  })

  test('two transactions that each want a second connection are told in time, with both places', async () => {
    const pool = await open({ size: 2, maxOverflow: 0, acquireTimeout: 30_000 })
    const startedMs = systemClock.monotonic()
    const handler = () =>
      pool.begin(async (tx) => {
        await tx`SELECT pg_sleep(0.1)`
        return await pool.query('SELECT 1')
      })
    const results = await Promise.allSettled([handler(), handler()])
    expect(systemClock.monotonic() - startedMs).toBeLessThan(2_000)
    const refused = results.filter((each) => each.status === 'rejected')
    expect(refused.map((each) => codeOf(each.reason))).toEqual(['POOL_DEADLOCK'])
    expect(refused[0]?.reason.message).toMatch(/held since: begin .*sql-pool\.test\.ts.*asked again: query .*sql-pool/s)
    await pool.drain()
  })

  test('who holds for long is reported once with the stack, and again when it comes back', async () => {
    const pool = await open()
    const session = await pool.reserve()
    await systemClock.sleep(5)
    pool.housekeep()
    pool.housekeep()
    await session.release()
    const mine = lines.filter((line) => line.fields.pid === session.pid)
    expect(mine.map((line) => line.message)).toEqual([
      'connection held for long: a leak?',
      'connection returned after all',
    ])
    expect(String(mine[0]?.fields.stack)).toContain('sql-pool.test.ts')
    expect(pool.status().leaks).toBe(1)
    await pool.drain()
  })

  test('only a SELECT is explained', async () => {
    const pool = await open()
    expect(JSON.stringify(await pool.explain('SELECT 1'))).toContain('Plan')
    for (const text of ['DELETE FROM things', 'SELECT 1; DELETE FROM things', 'SELECT 1 FOR UPDATE'])
      expect(await outcome(pool.explain(text))).toBe('POOL_EXPLAIN_REFUSED')
    await pool.drain()
  })

  test('after kill -9 of the server errors are typed and come in time, and the pool recovers by itself', async () => {
    const pool = await open({ breakerFailures: 2 })
    await pool.query('SELECT 1')
    const running = outcome(pool.query('SELECT pg_sleep(30)'))
    await systemClock.sleep(100)
    await server.kill9()
    expect(await running).toBe('POOL_CONNECTION_LOST')
    expect(await outcome(pool.query('SELECT 1', [], { timeoutMs: 2_000 }))).toMatch(/^POOL_(UNAVAILABLE|TIMEOUT)$/)
    await server.restart()
    for (let turn = 0; turn < 100 && pool.status().unavailable; turn += 1) await systemClock.sleep(50)
    expect([...(await pool.query('SELECT 1 AS n', [], { timeoutMs: 5_000 }))]).toMatchObject([{ n: 1 }])
    await pool.drain()
  })
})
