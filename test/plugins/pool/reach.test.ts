/** The ways to a server: TLS, a Unix socket, the next host of a list; and the second way, of cancellations. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { systemClock } from '../../../core/process/clock.ts'
import { ClientSockets } from '../../../plugins/pool/drivers/socket.ts'
import { freePort, type Instance, privatePostgres } from '../../support/services.ts'
import { codeOf, driverNames, eventually, outcome, realPool } from './real-pool.ts'

// A database server answers in real time.

// A server is started.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres()
  const { pool, end } = await realPool(server.url, { driver: 'postgres' })
  const { uid, gid } = statSync(join(server.dir, 'data'))
  const own = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', algorithm: 'sha256' })
  for (const [file, text] of Object.entries({ 'server.crt': own.cert, 'server.key': own.private })) {
    const path = join(server.dir, 'data', file)
    writeFileSync(path, text)
    chmodSync(path, 0o600)
    chownSync(path, uid, gid)
  }
  await pool.query('ALTER SYSTEM SET ssl = on')
  await pool.query('SELECT pg_reload_conf()')
  await end()
})
afterAll(() => server?.stop())

/** Asks one question, and leaves another one. */
async function use(url: string, driver: (typeof driverNames)[number]) {
  const { pool, end } = await realPool(url, { driver, settings: { connectTimeout: 3_000, acquireTimeout: 5_000 } })
  const asked = pool.query<{ ssl: boolean; local: boolean }>(
    'SELECT ssl, client_addr IS NULL AS local FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = pg_backend_pid()',
  )
  const rows = await asked.catch((thrown: unknown) => codeOf(thrown))
  const leave = new AbortController()
  const slow = outcome(pool.query('SELECT pg_sleep(20)', [], { signal: leave.signal }))
  // The server is at it: what is cancelled on its way is another test.
  const sleeping = `SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)' AND state = 'active'`
  await eventually(async () => {
    const seen = pool.query(sleeping, [], { lane: 'reserve' }).then(({ length }) => length > 0)
    return seen.catch(() => pool.status().unavailable)
  })
  leave.abort(Object.assign(new Error('left'), { code: 'LEFT' }))
  const cancelled = await slow
  const status = pool.status()
  await end()
  return { row: Array.isArray(rows) ? rows[0] : rows, cancelled, broken: status.closed.broken ?? 0 }
}

const both = { cancelled: 'LEFT', broken: 0 }

test.each(driverNames)('TLS where the address asks for it, over %s', async (driver) => {
  const secure = await use(`${server.url}?sslmode=require`, driver)
  expect(secure).toEqual({ row: { ssl: true, local: false }, ...both })
  const plain = await use(server.url, driver)
  expect(plain).toMatchObject({ row: { local: false }, ...both })
  const without = await use(`${server.url}?sslmode=disable`, driver)
  expect(without).toEqual({ row: { ssl: false, local: false }, ...both })
  const preferred = await use(`${server.url}?sslmode=prefer`, driver)
  expect(preferred).toEqual({ row: { ssl: true, local: false }, ...both })
  // Nobody has signed this certificate.
  expect((await use(`${server.url}?sslmode=verify-full`, driver)).row).toBe('POOL_UNAVAILABLE')
})

test('a Unix socket', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'pool-reach-'))
  const path = join(dir, '.s.PGSQL.5432')
  const listener = createServer((socket) => socket.once('data', () => socket.write('hello'))).listen(path)
  const sockets = new ClientSockets()
  const socket = await sockets.make({ host: ['ignored'], port: [1], path })
  const [hearing, closed] = [once(socket, 'data'), once(socket, 'close')]
  socket.write(Buffer.from('hello?'))
  const [heard] = await hearing
  expect(String(heard)).toBe('hello')
  sockets.close()
  await closed
  listener.close()
  rmSync(dir, { recursive: true })
})

test('the next host where one is away, for cancellations, too', async () => {
  const url = server.url.replace('127.0.0.1:', `127.0.0.1:${freePort()},127.0.0.1:`)
  expect(await use(url, 'postgres')).toMatchObject({ row: { local: false }, ...both })
})

test.each(driverNames)('a cancellation is neither lost nor hits the next statement, over %s', async (driver) => {
  const { pool, end } = await realPool(server.url, { driver, settings: { size: 1, maxOverflow: 0 } })
  for (let turn = 0; turn < 120; turn += 1) {
    const leave = new AbortController()
    const ends = outcome(pool.query('SELECT pg_sleep($1)', [turn % 3 === 0 ? 20 : 0.004], { signal: leave.signal }))
    if (turn % 2 === 0) await systemClock.sleep(turn % 8)
    leave.abort(Object.assign(new Error('left'), { code: 'LEFT' }))
    expect(await ends).toMatch(/^(LEFT|ok)$/)
    expect([...(await pool.query<{ turn: number }>('SELECT $1::int AS turn', [turn]))]).toEqual([{ turn }])
  }
  expect(pool.status()).toMatchObject({ created: 1, closed: {} })
  await end()
})

test.each(driverNames)(
  'a statement that fails after its first rows leaves the next answers whole, over %s',
  async (driver) => {
    const { pool, end } = await realPool(server.url, { driver, settings: { size: 1, maxOverflow: 0 } })
    const next: Record<string, () => PromiseLike<unknown>> = {
      text: () => pool.query('SELECT 1 AS one'),
      parameters: () => pool.query('SELECT $1::int AS one', [1]),
      template: () => pool.sql`SELECT ${1}::int AS one`,
      nothing: () => pool.query('SELECT 1 AS one WHERE false'),
      'several statements': () => pool.query('SELECT 1 AS one; SELECT 2 AS two'),
    }
    for (const [name, run] of Object.entries(next)) {
      const whole = await run()
      const failed = outcome(pool.query('SELECT 10 / (3 - i) AS part FROM generate_series(1, 5) AS i'))
      expect(await failed).toBe('22012')
      expect([name, await run()]).toStrictEqual([name, whole])
    }
    await end()
  },
)
