import { expect, test } from 'bun:test'
import type { Logger } from '../../../../core/contract/logger.ts'
import { currentBorrower } from '../../../../plugins/pool/lending/borrower.ts'
import { counters } from '../../../../plugins/pool/pgbouncer.ts'
import { PoolWatch } from '../../../../plugins/pool/watch/pool-watch.ts'
import { SlowLog, UsageTable } from '../../../../plugins/pool/watch/tables.ts'
import { testClock } from '../../../../testing/test-clock.ts'
import { handPool } from '../support.ts'

const borrower = { kind: 'reserve' } as const

test('the mean wait is that of the last full minute', async () => {
  const clock = testClock()
  const watch = new PoolWatch({ name: 'a', clock, log: {} as Logger, settings: { leakThreshold: 0, slowStatement: 0 } })
  for (const waitedMs of [0, 10, 20]) watch.events.acquired?.(waitedMs)
  watch.housekeep(clock.monotonic())
  expect(watch.avgWaitMs).toBe(0)
  await clock.advance(60_000)
  watch.housekeep(clock.monotonic())
  expect(watch.avgWaitMs).toBe(10)
  await clock.advance(60_000)
  watch.housekeep(clock.monotonic())
  expect(watch.avgWaitMs).toBe(0)
})

test('the counts have the names of PgBouncer', async () => {
  const { pool, clock } = handPool({ validateAfter: 1_000, maxOverflow: 0 })
  const [first] = await Promise.all([pool.acquire(borrower), pool.acquire(borrower)])
  const waiting = pool.acquire(borrower) as Promise<unknown>
  await clock.advance(900)
  const status = () => ({ ...pool.counts(), avgWaitMs: 1.5 }) as never
  expect(counters(status())).toEqual({
    cl_active: 2,
    cl_waiting: 1,
    sv_active: 2,
    sv_idle: 0,
    sv_used: 0,
    sv_tested: 0,
    sv_login: 0,
    maxwait: 0,
    maxwait_us: 900_000,
    avg_wait_time: 1_500,
  })
  pool.release(first!)
  await waiting
  for (const lease of [...pool.leases]) pool.release(lease)
  expect(counters(status())).toMatchObject({ sv_idle: 2, sv_used: 0, cl_waiting: 0 })
  await clock.advance(1_000)
  expect(counters(status())).toMatchObject({ sv_idle: 0, sv_used: 2 })
})

test('the slow log keeps the latest, logs ten lines in a second, and counts all', () => {
  const lines: unknown[] = []
  const log = { warn: (_: string, fields: unknown) => lines.push(fields) } as unknown as Logger
  const slow = new SlowLog(testClock(), log, 3)
  for (let id = 0; id < 20; id += 1) slow.add({ id: String(id) } as never)
  expect(slow.latest(10).map(({ id }) => id)).toEqual(['19', '18', '17'])
  expect([slow.count, lines.length]).toEqual([20, 10])
})

test('usage is bounded; routes beyond are counted together', () => {
  const table = new UsageTable(2)
  for (const [index, pattern] of ['/a', '/b', '/c', '/d', '/a'].entries())
    table.add({ id: index, method: 'GET', pattern }, index === 0 ? 0 : 10, 1)
  const route = (id: number) => ({ id, method: 'GET', pattern: '/x' })
  table.add(route(9), 1, 1)
  expect(table.list().map(({ route: name, count }) => [name, count])).toEqual([
    ['_OTHER __overflow__', 4],
    ['GET /b', 1],
    ['GET /a', 1],
  ])
})

test('a plain statement outside of a request has no borrower of its own and takes no stack', () => {
  const [first, second] = [currentBorrower('query', {}), currentBorrower('query', {})]
  expect(first).toBe(second)
  expect(first.where).toBeUndefined()
  expect(currentBorrower('begin', {}).where?.stack).toContain('watch-numbers.test.ts')
})
