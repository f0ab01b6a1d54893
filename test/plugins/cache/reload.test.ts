import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { Cache } from '../../../plugins/cache/api.ts'
import cachePlugin from '../../../plugins/cache/index.ts'
import { Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import redisPlugin from '../../../plugins/redis/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { until } from './support.ts'

// A server answers in real time.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

const boot = (plugins: Record<string, unknown>) =>
  testRuntime({ clock: systemClock, plugins: [cachePlugin, redisPlugin, metrics], config: { plugins } })

async function counter(runtime: Awaited<ReturnType<typeof boot>>, name: string, labels: Record<string, string>) {
  await runtime.runtime.fetch(new Request('http://localhost/metrics'))
  let found = 0
  await runtime.runtime.service(Metrics).visit((family, _, seen, value) => {
    const isWanted = Object.entries(labels).every(([label, wanted]) => seen[label] === wanted)
    if (family.name === name && isWanted) found = value
  })
  return found
}

describe('a reload', () => {
  test('takes other options in place: memory stays warm, and what is over a smaller limit is evicted', async () => {
    await using runtime = await boot({ cache: { maxEntries: 100 } })
    const cache = runtime.runtime.service(Cache)
    for (let index = 0; index < 100; index += 1) await cache.set(`${index}`, index)
    await runtime.reload({ plugins: { cache: { maxEntries: 200, ttl: '7m', jitter: 0 } } })
    expect(runtime.runtime.service(Cache)).toBe(cache)
    expect(cache.stats()).toMatchObject({ local_cache_size: 100, sets: 100 })
    await cache.set('new', 1)
    expect(cache.list(200).find(({ key }) => key === 'new')!.ttlMs).toBeGreaterThan(6 * 60_000)
    await runtime.reload({ plugins: { cache: { maxEntries: 50 } } })
    expect(cache.stats()).toMatchObject({ local_cache_size: 50, evictions: 51 })
    expect(await cache.getOrSet('loaded', () => 'still works')).toBe('still works')
    const refused = runtime.reload({ plugins: { cache: { maxEntries: 0 } } })
    expect(
      await refused.then(
        () => 'taken',
        () => 'refused',
      ),
    ).toBe('refused')
    expect(cache.stats().local_cache_size).toBe(50)
  })

  test('that brings, changes or takes Redis leaves one cache, with its counts', async () => {
    await using runtime = await boot({ cache: {}, metrics: {} })
    const cache = runtime.runtime.service(Cache)
    await cache.set('k', 'in memory', { tags: ['t'] })
    for (let round = 0; round < 10; round += 1) await cache.get('k')
    const hits = { result: 'memory' }
    expect(await counter(runtime, 'arkwatch_cache_gets_total', hits)).toBe(10)
    await runtime.reload({ plugins: { cache: {}, metrics: {}, redis: { url: server.url } } })
    expect(runtime.runtime.service(Cache)).toBe(cache)
    await until(() => cache.stats().redis_up === true && cache.stats().bus_generation === 1)
    expect(cache.stats()).toMatchObject({ local_hits: 10, sets: 1 })
    expect(await counter(runtime, 'arkwatch_cache_gets_total', hits)).toBe(10)
    await cache.set('shared', 1)
    await runtime.reload({ plugins: { cache: {}, metrics: {}, redis: { url: server.url, coolDown: '1s' } } })
    await until(() => cache.stats().bus_generation === 2)
    // Messages may have been lost between two connections: memory was emptied, Redis still knows.
    expect(await cache.get<number>('shared')).toBe(1)
    expect(cache.stats().redis_hits).toBe(1)
    await runtime.reload({ plugins: { cache: {}, metrics: {} } })
    expect(cache.stats().redis_up).toBeUndefined()
    expect(await cache.get<number>('shared')).toBe(1)
    expect(await counter(runtime, 'arkwatch_cache_gets_total', hits)).toBe(11)
  })

  test('of Redis keeps the invalidations that wait', async () => {
    const redis = { url: server.url, commandTimeout: '200ms' }
    await using runtime = await boot({ cache: { redisPause: '100ms' }, redis })
    const cache = runtime.runtime.service(Cache)
    await until(() => cache.stats().redis_up === true)
    await cache.set('k', 'old')
    process.kill(server.pid, 'SIGSTOP')
    try {
      await cache.delete('k')
      expect(cache.stats().bus_waiting).toBe(1)
      await runtime.reload({ plugins: { cache: { redisPause: '100ms' }, redis: { ...redis, coolDown: '100ms' } } })
      expect(cache.stats().bus_waiting).toBe(1)
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await until(() => cache.stats().bus_waiting === 0)
    expect(await cache.get('k')).toBeUndefined()
  })

  test('to another prefix empties memory, and goes on listening', async () => {
    await using runtime = await boot({ cache: { prefix: 'one:' }, redis: { url: server.url } })
    const cache = runtime.runtime.service(Cache)
    await until(() => cache.stats().redis_up === true)
    await cache.set('k', 1)
    await runtime.reload({ plugins: { cache: { prefix: 'two:' }, redis: { url: server.url } } })
    expect(await cache.get('k')).toBeUndefined()
    await cache.set('k', 2)
    await using other = await boot({ cache: { prefix: 'two:' }, redis: { url: server.url } })
    const others = other.runtime.service(Cache)
    await until(() => others.stats().bus_generation > 0)
    await others.invalidateTag('x')
    await others.delete('k')
    await until(async () => (await cache.get('k')) === undefined)
  })
})

test('every count of the cache is a metric that promtool accepts the name of', async () => {
  await using runtime = await boot({ cache: { maxEntries: 2, groups: [{ name: 'bad', pattern: 'b*' }] }, metrics: {} })
  const cache = runtime.runtime.service(Cache)
  for (const key of ['a', 'b', 'c', 'a']) await cache.getOrSet(key, () => 1)
  await cache.getOrSet('bad', () => Promise.reject(new Error('no luck'))).catch(() => {})
  await cache.delete('a')
  await cache.get('nothing')
  const text = await (await runtime.fetch('/metrics')).text()
  const seen = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
  expect({
    memory: seen('arkwatch_cache_gets_total{result="memory"}'),
    miss: seen('arkwatch_cache_gets_total{result="miss"}'),
    loaded: seen('arkwatch_cache_loads_total{result="success"}'),
    failed: seen('arkwatch_cache_loads_total{result="failure"}'),
    evicted: seen('arkwatch_cache_evictions_total{cause="entries"}'),
    entries: seen('arkwatch_cache_entries'),
    deletes: seen('arkwatch_cache_deletes_total'),
    missed: seen('arkwatch_cache_group_gets_total{group="bad",result="miss"}'),
    failures: seen('arkwatch_cache_group_load_failures_total{group="bad"}'),
    others: seen('arkwatch_cache_group_loads_total{group="other"}'),
  }).toEqual({
    memory: cache.stats().local_hits,
    miss: cache.stats().misses,
    loaded: cache.stats().loads - 1,
    failed: 1,
    evicted: cache.stats().evictions,
    entries: cache.stats().local_cache_size,
    deletes: 1,
    missed: 2,
    failures: 1,
    others: cache.stats().loads - 2,
  })
  expect(cache.stats().evictions).toBeGreaterThan(0)
  const readme = await Bun.file(new URL('../../../plugins/cache/README.md', import.meta.url)).text()
  const names = [...text.matchAll(/^# TYPE arkwatch_cache(_\w+) /gm)].map((match) => match[1]!)
  expect(names.length).toBeGreaterThan(15)
  for (const name of names) expect([name, readme.includes(name)]).toEqual([name, true])
})
