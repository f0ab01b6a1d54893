import { expect, test } from 'bun:test'
import { backOffMs } from '../../../../plugins/pool/lending/connector.ts'
import { lifetimeMs } from '../../../../plugins/pool/lending/pool-entries.ts'
import { handPool } from '../support.ts'

const borrower = { kind: 'reserve', route: { id: 0, method: 'GET', pattern: '/a' }, requestId: 'r1' } as const
const codeOf = (thrown: unknown) => (thrown as { code?: string }).code
const outcome = (request: Promise<unknown>) => request.then(() => 'ok', codeOf)

test('connections are made on demand, up to size and overflow, and lent first come, first served', async () => {
  const { pool, clock } = handPool()
  const leases = await Promise.all([pool.acquire(borrower), pool.acquire(borrower), pool.acquire(borrower)])
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (each) => {
    const lease = await pool.acquire(borrower)
    order.push(each)
    pool.release(lease)
  })
  await clock.advance(10)
  expect(pool.counts()).toMatchObject({ total: 3, active: 3, idle: 0, waiting: 3, max: 3, oldestWaitMs: 10 })
  pool.release(leases[0]!)
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(pool.counts()).toMatchObject({ total: 2, active: 2 })
})

test('an overflow connection is closed when it comes back and nobody waits', async () => {
  const { pool, closes } = handPool()
  const leases = await Promise.all([pool.acquire(borrower), pool.acquire(borrower), pool.acquire(borrower)])
  for (const lease of leases) pool.release(lease)
  expect(pool.counts()).toMatchObject({ total: 2, idle: 2 })
  expect(closes).toEqual(['overflow'])
})

test('POOL_TIMEOUT carries the numbers and who holds', async () => {
  const { pool, clock } = handPool({ size: 1, maxOverflow: 0 })
  const lease = await pool.acquire(borrower)
  lease.statement = 'SELECT ?'
  const late = outcome(pool.acquire(borrower) as Promise<unknown>)
  const message = (pool.acquire(borrower) as Promise<unknown>).catch((error) => error.message)
  await clock.advance(1_000)
  expect(await late).toBe('POOL_TIMEOUT')
  expect(await message).toContain('total 1, active 1, idle 0, waiting 1')
  expect(await message).toContain('reserve GET /a r1 for 1000 ms (SELECT ?)')
  expect(pool.counts().waiting).toBe(0)
  expect(pool.refusals.totals.timeouts).toBe(2)
})

test('the line is bounded: POOL_QUEUE_FULL', async () => {
  const { pool } = handPool({ size: 1, maxOverflow: 0, maxWaiting: 1 })
  await pool.acquire(borrower)
  const waiting = pool.acquire(borrower) as Promise<unknown>
  expect(() => pool.acquire(borrower)).toThrow('1 borrowers wait already')
  expect(pool.refusals.totals.refused).toBe(1)
  const drained = outcome(waiting)
  void pool.drain(1)
  expect(await drained).toBe('POOL_CLOSED')
})

test('an abort takes a waiter out of the line', async () => {
  const { pool, clock } = handPool({ size: 1, maxOverflow: 0 })
  const lease = await pool.acquire(borrower)
  const abort = new AbortController()
  const waiting = (pool.acquire(borrower, abort.signal) as Promise<unknown>).catch((reason) => reason)
  abort.abort('enough')
  expect(await waiting).toBe('enough')
  pool.release(lease)
  expect(pool.counts()).toMatchObject({ waiting: 0, idle: 1, active: 0 })
  await clock.advance(1_000)
  expect(clock.pending).toBe(0)
})

test('idle connections go after the idle timeout down to minIdle, old ones after their lifetime, never while lent', async () => {
  const { pool, clock, closes } = handPool({ minIdle: 1, idleTimeout: 1_000, maxLifetime: 5_000 })
  const leases = await Promise.all([pool.acquire(borrower), pool.acquire(borrower)])
  for (const lease of leases) pool.release(lease)
  await clock.advance(1_000)
  pool.housekeep()
  expect(pool.counts()).toMatchObject({ idle: 1, total: 1 })
  const lease = await pool.acquire(borrower)
  await clock.advance(5_000)
  pool.housekeep()
  expect(lease.connection.closed).toBe(false)
  pool.release(lease)
  expect(lease.connection.closed).toBe(true)
  expect(closes).toEqual(['idle', 'lifetime'])
})

test('minIdle connections are there before anybody asks', async () => {
  const { pool, clock } = handPool({ minIdle: 2 })
  pool.housekeep()
  await clock.advance(0)
  expect(pool.counts()).toMatchObject({ idle: 2, total: 2 })
})

test('a connection silent for long is asked first, and replaced where it does not answer', async () => {
  const { pool, clock, server, connections, closes } = handPool({ validateAfter: 100, keepalive: 1_000 })
  pool.release(await pool.acquire(borrower))
  await clock.advance(100)
  pool.release(await pool.acquire(borrower))
  expect(connections[0]?.pings).toBe(1)
  await clock.advance(1_000)
  pool.housekeep()
  await clock.advance(0)
  expect(connections[0]?.pings).toBe(2)
  server.pingFails = true
  await clock.advance(100)
  const lease = await pool.acquire(borrower)
  expect(lease.connection.pid).toBe(2)
  expect(closes).toEqual(['invalid'])
})

test('idle connections are kept alive up to 10 % early, not all together', async () => {
  const draws = [0, 0, 0, 0.5, 0, 1]
  const random = () => draws.shift() ?? 0
  const { pool, clock, connections } = handPool({ size: 3, keepalive: 1_000 }, random)
  const leases = await Promise.all([pool.acquire(borrower), pool.acquire(borrower), pool.acquire(borrower)])
  for (const lease of leases) pool.release(lease)
  const asked = async (ms: number) => {
    await clock.advance(ms)
    pool.housekeep()
    await clock.advance(0)
    return connections.map(({ pings }) => pings)
  }
  expect(await asked(899)).toEqual([0, 0, 0])
  expect(await asked(1)).toEqual([0, 0, 1])
  expect(await asked(50)).toEqual([0, 1, 1])
  expect(await asked(50)).toEqual([1, 1, 1])
})

test('a connection that the server ends is replaced, idle or lent', async () => {
  const { pool, connections } = handPool({ size: 1, maxOverflow: 0 })
  const first = await pool.acquire(borrower)
  connections[0]?.die()
  expect(pool.counts()).toMatchObject({ total: 0, active: 0 })
  const second = await pool.acquire(borrower)
  pool.release(first)
  expect(pool.counts()).toMatchObject({ total: 1, active: 1 })
  pool.release(second)
  connections[1]?.die()
  expect(pool.counts()).toMatchObject({ total: 0, idle: 0 })
})

test('a server that is down opens the breaker, one attempt at a time follows, and success closes it', async () => {
  const { pool, clock, server } = handPool()
  server.up = false
  const waiting = outcome(pool.acquire(borrower, undefined, 60_000) as Promise<unknown>)
  await clock.advance(500)
  expect(await waiting).toBe('POOL_UNAVAILABLE')
  expect(() => pool.acquire(borrower)).toThrow('refused')
  expect(pool.counts()).toMatchObject({ unavailable: true, total: 0 })
  server.up = true
  await clock.advance(1_000)
  expect(pool.counts()).toMatchObject({ unavailable: false, idle: 1 })
  pool.release(await pool.acquire(borrower))
})

test('a server that accepts and never answers counts as a failure', async () => {
  const { pool, clock, server } = handPool({ breakerFailures: 1 })
  server.hangs = true
  const waiting = outcome(pool.acquire(borrower, undefined, 60_000) as Promise<unknown>)
  await clock.advance(2_000)
  expect(await waiting).toBe('POOL_UNAVAILABLE')
})

test('pause lets borrowers wait, resume serves them, evict renews, drain waits for what is lent', async () => {
  const { pool, clock, connections } = handPool()
  pool.release(await pool.acquire(borrower))
  pool.pause()
  const waiting = pool.acquire(borrower)
  await clock.advance(500)
  expect(pool.counts()).toMatchObject({ idle: 1, waiting: 1 })
  pool.resume()
  const lease = await waiting
  expect(pool.evict()).toBe(1)
  expect(connections[0]?.closed).toBe(false)
  pool.release(lease)
  expect(connections[0]?.closed).toBe(true)
  const last = await pool.acquire(borrower)
  const drained = pool.drain(10_000)
  await clock.advance(100)
  expect(pool.counts().active).toBe(1)
  pool.release(last)
  await drained
  expect(pool.counts().total).toBe(0)
  expect(() => pool.acquire(borrower)).toThrow('is closed')
})

test('two borrowers that each hold one and want another are told at once, with both places', async () => {
  const { pool } = handPool({ size: 2, maxOverflow: 0 })
  const [a, b] = await Promise.all([pool.acquire(borrower), pool.acquire(borrower)])
  const first = pool.acquire({ kind: 'query', blocks: [a] }) as Promise<unknown>
  const second = (pool.acquire({ kind: 'query', blocks: [b], where: new Error('here') }) as Promise<unknown>).catch(
    (e) => e,
  )
  const error = (await second) as { code: string; message: string }
  expect(error.code).toBe('POOL_DEADLOCK')
  expect(error.message).toContain('reserve GET /a')
  pool.release(b)
  await first
  expect(pool.refusals.totals.deadlocks).toBe(1)
})

test('the back-off doubles up to its limit, and lifetimes are up to 2.5 % shorter', () => {
  const backOff = { firstMs: 100, maxMs: 1_000 }
  expect([1, 2, 3, 9].map((failures) => backOffMs(backOff, failures, 1))).toEqual([100, 200, 400, 1_000])
  expect(backOffMs(backOff, 1, 0)).toBe(50)
  expect([lifetimeMs(1_000, 0), lifetimeMs(1_000, 1), lifetimeMs(0, 0.5)]).toEqual([
    1_000,
    975,
    Number.POSITIVE_INFINITY,
  ])
})
