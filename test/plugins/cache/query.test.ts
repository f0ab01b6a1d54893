import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { refusedVerb } from '../../../plugins/cache/client/cached-query.ts'
import { cachedQuery } from '../../../plugins/cache/public.ts'
import { Pools } from '../../../plugins/pool/api.ts'
import pool from '../../../plugins/pool/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { sharedUrl } from '../../support/services.ts'
import { codeOf, memoryCache, until } from './support.ts'

// A database server answers in real time.

// A real database answers.
setDefaultTimeout(30_000)

test('only statements that read are cached', () => {
  const reading = [
    'select 1',
    ' \n/* note */ SELECT * from t -- update',
    "select 'delete me'",
    'VALUES (1)',
    'table users',
    'with x as (select 1) select * from x',
    '(select 1) union (select 2)',
    'select updated_at from t',
  ]
  for (const text of reading) expect([text, refusedVerb(text)]).toEqual([text, undefined])
  const refused = [
    'insert into t values (1)',
    'update t set a = 1',
    '/* select */ delete from t',
    'with x as (delete from t returning *) select * from x',
    'select * from t for update',
    'select * from t for no key update',
    "select nextval('s')",
    'begin',
    '',
  ]
  for (const text of refused) expect([text, typeof refusedVerb(text)]).toEqual([text, 'string'])
})

const postgres = sharedUrl('postgres')

describe.skipIf(postgres === undefined)('statements on the pool', () => {
  test('run once for all who ask, by text and parameters, until their tag is invalidated', async () => {
    await using runtime = await testRuntime({
      clock: systemClock,
      plugins: [pool],
      config: { plugins: { pool: { url: postgres } } },
    })
    const main = runtime.runtime.service(Pools).get()
    const { cache } = memoryCache()
    let ran = 0
    const counting = {
      name: main.name,
      query: ((...args: Parameters<typeof main.query>) => {
        ran += 1
        return main.query(...args)
      }) as typeof main.query,
    }
    const find = cachedQuery(cache, () => counting, { ttlMs: 60_000, tags: ['numbers'] })
    const text = 'select n, now() at time zone $2::text as seen from generate_series(1, $1::int) as n'
    const first = await Promise.all(Array.from({ length: 100 }, () => find<{ n: number }>(text, [2, 'UTC'])))
    expect(first[0]!.map(({ n }) => n)).toEqual([1, 2])
    expect(new Set(first).size).toBe(1)
    expect(ran).toBe(1)
    await find(text, [3, 'UTC'])
    expect(ran).toBe(2)
    await cache.invalidateTag('numbers')
    expect(await find(text, [2, 'UTC'], { ttlMs: 5 })).not.toEqual(first[0]!)
    expect(ran).toBe(3)
    expect(await codeOf(find('delete from t'))).toBe('CACHE_QUERY_REFUSED')
    expect(await codeOf(find('select wrong from nothing'))).not.toBe('ok')
    expect(ran).toBe(4)
  })

  test('go on over a new pool, and are repeated where the connection is lost', async () => {
    await using runtime = await testRuntime({
      clock: systemClock,
      plugins: [pool],
      config: { plugins: { pool: { url: postgres } } },
    })
    const pools = () => runtime.runtime.service(Pools).get()
    const { cache } = memoryCache()
    const find = cachedQuery(
      () => cache,
      () => pools(),
    )
    const before = pools()
    await runtime.runtime.restart('pool')
    expect(pools()).not.toBe(before)
    const found = find<{ n: number }>('SELECT 7 AS n, pg_sleep(0.5)')
    let pid: number | undefined
    await until(() => {
      pid = pools().holders()[0]?.pid
      return pid !== undefined
    })
    await systemClock.sleep(100)
    await pools().query('SELECT pg_terminate_backend($1)', [pid], { lane: 'reserve' })
    expect((await found).map(({ n }) => n)).toEqual([7])
    expect(pools().status().closed.lost).toBe(1)
  })
})
