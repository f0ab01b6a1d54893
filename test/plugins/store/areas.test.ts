import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Logger } from '../../../core/contract/logger.ts'
import type { DedicatedWorker, Workers } from '../../../core/contract/tasks.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import type { SqlValue, StoreArea } from '../../../plugins/store/api.ts'
import { StoreClient } from '../../../plugins/store/engine.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger
const real = createWorkers({ maxThreads: 1, maxQueue: 1 }, systemClock, silent)

async function open(path = join(mkdtempSync(join(tmpdir(), 'arkwatch-areas-')), 'store.db')) {
  let thread: DedicatedWorker | undefined
  const workers: Workers = {
    ...real,
    dedicated: (name, _, options) => {
      thread = real.dedicated(name, new URL('./fixtures/mortal-writer.ts', import.meta.url), options)
      return thread
    },
  }
  const limits = { maxBytes: 2 ** 30, maxQueue: 100, maintainEveryMs: 20 }
  const store = new StoreClient({ path, ...limits, workers, clock: systemClock, log: silent, onState() {} })
  await store.start()
  return { store, path, thread: thread! }
}
const points = (file?: string) => ({
  name: 'points',
  ...(file !== undefined && { file }),
  migrations: ['CREATE TABLE points_all (n INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT'],
})
const insert = (n: number, at = 0) => ({ sql: 'INSERT INTO points_all VALUES (?, ?)', params: [n, at] })
const fill = {
  sql: 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 25000) INSERT INTO points_all SELECT n, 0 FROM c',
}
const all = 'SELECT n FROM points_all ORDER BY n'
const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  )

describe('rows', () => {
  test('are iterated over beyond 10,000, as they were at the first one, while others are written', async () => {
    const { store } = await open()
    const area = await store.area(points())
    await area.write([fill])
    let expected = 1
    for await (const { n } of area.iterate<{ n: number }>(all)) {
      expect(n).toBe(expected++)
      if (n === 1) await area.write([insert(30_000)])
    }
    expect(expected).toBe(25_001)
    expect(await area.query('SELECT count(*) c FROM points_all', [], 1)).toEqual([{ c: 25_001 }])
    await store.stop()
  })

  test('stop coming when the loop is left, or by a signal, and the iteration is over in the thread', async () => {
    const { store, path } = await open()
    const area = await store.area(points())
    await area.write([fill])
    // One more than may be open at a time.
    for (let round = 0; round < 9; round += 1) for await (const _ of area.iterate(all)) break
    const controller = new AbortController()
    const read = async () => {
      for await (const _ of area.iterate(all, [], { signal: controller.signal })) controller.abort(new Error('enough'))
    }
    expect(await thrownBy(read())).toHaveProperty('message', 'enough')
    expect(store.queued).toBe(0)
    await store.stop()
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  test('are refused as a query is, and beyond eight iterations at a time', async () => {
    const { store } = await open()
    const area = await store.area(points())
    await area.write([fill])
    const first = async (sql: string) => {
      const iterator = area.iterate<{ n: number }>(sql)[Symbol.asyncIterator]()
      return { iterator, row: (await iterator.next()).value }
    }
    expect(await thrownBy(first('nonsense'))).toMatchObject({ code: 'STORE_STATEMENT_FAILED' })
    const open8 = await Promise.all(Array.from({ length: 8 }, () => first(all)))
    expect(open8.map(({ row }) => row)).toEqual(Array.from({ length: 8 }, () => ({ n: 1 })))
    expect(await thrownBy(first(all))).toMatchObject({ code: 'STORE_QUEUE_FULL' })
    for (const { iterator } of open8) await iterator.return?.()
    await store.stop()
  })
})

/** The rows of a statement, each way that an area reads. */
async function readEachWay(area: StoreArea, sql: string, params: readonly SqlValue[] = []): Promise<unknown[]> {
  const iterated: unknown[] = []
  for await (const row of area.iterate(sql, params)) iterated.push(row)
  return [iterated, await area.query(sql, params, 10), [area.get(sql, params)]]
}

describe('what is read', () => {
  test('without parameters and a limit, is every row up to 10,000', async () => {
    const { store } = await open()
    const area = await store.area(points())
    await area.write([fill])
    expect(await area.query(all)).toHaveLength(10_000)
    await store.stop()
  })

  test('by arguments of a wrong type is refused with the reason', async () => {
    const { store } = await open()
    const area = (await store.area(points())) as unknown as Record<string, (...given: unknown[]) => unknown>
    const calls: readonly [name: string, given: readonly unknown[], reason: string][] = [
      ...['query', 'get', 'iterate'].flatMap((name): [string, readonly unknown[], string][] => [
        [name, [], 'the SQL is of the type undefined'],
        [name, [all, null], 'the parameters are of the type object'],
        [name, [all, 5], 'the parameters are of the type number'],
      ]),
      ['query', [all, [], 'many'], 'the limit is many'],
      ['query', [all, [], Number.NaN], 'the limit is NaN'],
      ['write', [[{}]], 'the SQL is of the type undefined'],
      ['write', [[{ sql: insert(1).sql, params: 'ab' }]], 'the parameters are of the type string'],
      ['write', ['DELETE FROM points_all'], 'a write takes a list of statements'],
      ['write', [], 'a write takes a list of statements'],
    ]
    for (const [name, given, reason] of calls) {
      const call = async () => {
        const answer = area[name]!(...given)
        if (name === 'iterate') for await (const _ of answer as AsyncIterable<unknown>) break
        else await answer
      }
      const error = await thrownBy(call())
      expect([name, given, error?.code, error?.message]).toEqual([
        name,
        given,
        'STORE_STATEMENT_FAILED',
        expect.stringContaining(reason),
      ])
    }
    await store.stop()
  })

  test('does not depend on what follows the statement', async () => {
    const { store } = await open()
    const area = await store.area(points())
    await area.write([insert(1)])
    const row = [{ n: 1 }]
    for (const end of ['', ';', ' -- a', ' /* a */ ; ', '; -- a\n', ' /* open', '\n;;', " -- it's"])
      expect([end, await readEachWay(area, `/* a */ ${all}${end}`)]).toEqual([end, [row, row, row]])
    await store.stop()
  })

  test('is exactly what was written: beyond 2^53 - 1 a bigint, else a number', async () => {
    const { store } = await open()
    const area = await store.area({
      name: 'points',
      migrations: ['CREATE TABLE points_all (n INTEGER PRIMARY KEY, at ANY) STRICT'],
    })
    const edge = BigInt(Number.MAX_SAFE_INTEGER)
    const integer = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -3n, max: 3n }).map((near) => edge + near),
      fc.bigInt({ min: -3n, max: 3n }).map((near) => near - edge),
    )
    const asRead = (value: SqlValue) =>
      typeof value === 'bigint' && value >= -edge && value <= edge ? Number(value) : value
    const other = fc.oneof(fc.double({ noNaN: true }), fc.string(), fc.uint8Array({ minLength: 1 }), fc.constant(null))
    const row = fc.record({ n: integer, at: fc.oneof(integer, other) })
    await fc.assert(
      fc.asyncProperty(row, async ({ n, at }) => {
        const statements = [
          { sql: 'DELETE FROM points_all' },
          { sql: 'INSERT INTO points_all VALUES (?, ?)', params: [n, at] },
        ]
        const [, written] = await area.write(statements, { lazy: true })
        expect(written).toEqual({ changes: 1, lastInsertRowid: asRead(n) as number })
        const read = [{ n: asRead(n), at: asRead(at) }]
        // What was read finds the row again.
        for (const key of [n, asRead(n)])
          expect(await readEachWay(area, 'SELECT * FROM points_all WHERE n = ?', [key])).toEqual([read, read, read])
      }),
    )
    await store.stop()
  })

  test('is one statement that reads', async () => {
    const { store } = await open()
    const area = await store.area(points())
    for (const sql of ['SELECT 1; SELECT 2', '/* */ BEGIN', 'PRAGMA query_only = 0', '-- nothing', 'SELECT ?']) {
      expect(await thrownBy(area.query(sql, [], 1))).toMatchObject({ code: 'STORE_STATEMENT_FAILED' })
      expect(() => area.get(sql)).toThrow('the store refuses a statement of points')
    }
    await store.stop()
  })
})

describe('an area', () => {
  test('may live in a file of its own, which survives a restart', async () => {
    const first = await open()
    const file = first.path.replace('store.db', 'store-history.db')
    const area = await first.store.area(points('history'))
    await area.write([insert(1)])
    expect(area.get(`${all} LIMIT 1`)).toEqual({ n: 1 })
    await first.store.stop()
    expect(new Database(file).query(all).all()).toEqual([{ n: 1 }])
    const again = await open(first.path)
    const other = await again.store.area(points('history'))
    await other.write([insert(2)])
    expect(await other.query(all, [], 10)).toEqual([{ n: 1 }, { n: 2 }])
    const main = await again.store.area(points())
    expect(await main.query(all, [], 10)).toEqual([])
    await again.store.stop()
  })

  test('does not hold up the stop of the store by an iteration that has not ended', async () => {
    const { store } = await open()
    for (const file of ['a', 'b', 'c', 'd']) {
      const area = await store.area(points(file))
      await area.write([fill])
      await area.iterate(all)[Symbol.asyncIterator]().next()
      await area.write([insert(30_000)])
    }
    const startedMs = systemClock.monotonic()
    await store.stop()
    // Four times what SQLite waits for a reader would be 8,000.
    expect(systemClock.monotonic() - startedMs).toBeLessThan(4_000)
  })

  test('whose file leaves the directory is refused', async () => {
    const { store } = await open()
    expect(await thrownBy(store.area(points('../x')))).toMatchObject({ code: 'STORE_MIGRATION_FAILED' })
    await store.stop()
  })

  test('is refused while its thread is dead, and works again with its retention afterwards', async () => {
    const { store, thread } = await open()
    const area = await store.area({
      ...points('history'),
      retention: [{ table: 'points_all', column: 'at', keepMs: 60_000 }],
    })
    thread.post('die')
    const lost = await thrownBy(area.write([insert(1)]))
    expect(lost).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('may or may not be') })
    while (thread.restarts === 0 || (await thrownBy(area.write([insert(2, 0), insert(3, systemClock.now())]))))
      await systemClock.sleep(10)
    const rows = async () => (await area.query<{ n: number }>(all, [], 10)).map(({ n }) => n)
    while ((await rows()).includes(2)) await systemClock.sleep(10)
    expect(await rows()).toEqual([3])
    await store.stop()
  })
})
