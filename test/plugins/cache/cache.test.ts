import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Hono } from 'hono'
import { systemClock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/log.ts'
import { type Cache, cached, httpCache, stableKey } from '../../../plugins/cache/api.ts'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import cachePlugin from '../../../plugins/cache/index.ts'
import { RedisTier } from '../../../plugins/cache/redis-tier.ts'
import { decode, encode } from '../../../plugins/cache/serializer.ts'
import { TieredCache } from '../../../plugins/cache/tiered-cache.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/connections.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { type Instance, privateRedis } from '../../support/services.ts'

// A server is started and killed: real time.
setDefaultTimeout(30_000)
pluginContract(cachePlugin)

function memoryCache(options: Record<string, unknown> = {}) {
  const clock = testClock()
  const cache = new TieredCache({ config: CacheConfig.parse({ jitter: 0, ttl: '10s', ...options }), clock })
  return { cache, clock }
}
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error) => error.code ?? error.message,
  )

describe('the cache in memory', () => {
  test('loads once for 10,000 who ask, and null and undefined are values', async () => {
    const { cache, clock } = memoryCache()
    let loads = 0
    const loader = async () => {
      loads += 1
      await clock.sleep(5)
      return null
    }
    const asked = Promise.all(Array.from({ length: 10_000 }, () => cache.getOrSet('a', loader)))
    await clock.advance(5)
    expect(new Set(await asked)).toEqual(new Set([null]))
    expect(await cache.getOrSet('a', () => 1 as never)).toBeNull()
    expect(await cache.getOrSet('u', () => undefined)).toBeUndefined()
    expect(await cache.getOrSet('u', () => 1 as never)).toBeUndefined()
    expect(loads).toBe(1)
    expect(cache.stats()).toMatchObject({ loads: 2, misses: 2, stampedes_avoided: 9_999, hits: 2 })
  })

  test('serves the stale value while it loads behind, and rests after a load that failed', async () => {
    const { cache, clock } = memoryCache({ grace: '1h', graceBackoff: '10s' })
    let loads = 0
    const failing = () => {
      loads += 1
      throw new Error('source is down')
    }
    await cache.set('a', 'old')
    await clock.advance(10_000)
    expect(await cache.get('a')).toBeUndefined()
    for (let round = 0; round < 3; round += 1) {
      expect(await cache.getOrSet<string>('a', failing)).toBe('old')
      await clock.advance(1)
    }
    expect(loads).toBe(1)
    await clock.advance(10_000)
    expect(await cache.getOrSet('a', () => 'new')).toBe('old')
    await clock.advance(0)
    expect(await cache.getOrSet('a', () => 'newer')).toBe('new')
    await clock.advance(10_000)
    expect(await cache.getOrSet('a', () => 'newest', { softTimeoutMs: 50 })).toBe('newest')
  })

  test('a load over the hard timeout is refused, and its value kept when it comes; so are loads over the limit', async () => {
    const { cache, clock } = memoryCache({ maxLoads: 1 })
    const slow = () => clock.sleep(100).then(() => 'late')
    const asked = codeOf(cache.getOrSet('a', slow, { hardTimeoutMs: 20 }))
    expect(await codeOf(cache.getOrSet('b', slow))).toBe('CACHE_BUSY')
    await clock.advance(20)
    expect(await asked).toBe('CACHE_LOAD_TIMEOUT')
    await clock.advance(100)
    expect(await cache.get<string>('a')).toBe('late')
  })

  test('what is invalidated while it is loaded is not kept', async () => {
    const { cache, clock } = memoryCache()
    for (const invalidate of [() => cache.delete('a'), () => cache.invalidateTag('t'), () => cache.clear('a*')]) {
      const asked = cache.getOrSet('a', () => clock.sleep(10).then(() => 'old'), { tags: ['t'] })
      await clock.advance(1)
      await invalidate()
      await clock.advance(10)
      expect(await asked).toBe('old')
      expect(await cache.get('a')).toBeUndefined()
    }
  })

  test('tags, namespaces, patterns, and the loader’s own time to live', async () => {
    const { cache, clock } = memoryCache({ maxTags: 2 })
    const users = cache.namespace('users')
    await users.set('1', 'Ada', { tags: ['x'] })
    await cache.set('other', 1, { tags: ['y'] })
    expect(await cache.mget(['users:1', 'other'])).toEqual(['Ada', 1])
    await cache.invalidateTag('x')
    expect(await cache.mget(['users:1', 'other'])).toEqual([undefined, 1])
    for (const tag of ['a', 'b', 'c']) await cache.invalidateTag(tag)
    expect(await cache.get('other')).toBeUndefined()
    await users.set('2', 'Bob')
    await cache.set('usersX', 1)
    expect(await users.clear()).toBe(1)
    expect(cache.list().map(({ key }) => key)).toEqual(['usersX'])
    await cache.getOrSet('short', ({ ttl }) => {
      ttl(100)
      return 1
    })
    await cache.getOrSet('skipped', ({ skip }) => skip())
    expect(await cache.mget(['short', 'skipped'])).toEqual([1, undefined])
    await clock.advance(100)
    expect(await cache.get('short')).toBeUndefined()
  })

  test('is bounded by entries and by bytes', async () => {
    const { cache } = memoryCache({ maxEntries: 100, maxSize: '100kB' })
    for (let index = 0; index < 5_000; index += 1) await cache.set(`k${index}`, index)
    expect(cache.stats().local_cache_size).toBe(100)
    for (let index = 0; index < 100; index += 1) await cache.set(`b${index}`, 'x'.repeat(5_000))
    expect(cache.stats().local_cache_bytes).toBeLessThanOrEqual(100_000)
    expect(cache.stats().evictions).toBeGreaterThan(4_900)
    await cache.clear()
    expect(cache.stats()).toMatchObject({ local_cache_size: 0, local_cache_bytes: 0 })
  })

  test('wraps functions and methods', async () => {
    const { cache } = memoryCache()
    let calls = 0
    const add = cache.wrap(function add(a: number, b: number) {
      calls += 1
      return a + b
    })
    expect([await add(1, 2), await add(1, 2), await add(2, 1)]).toEqual([3, 3, 3])
    class Users {
      @cached((): Cache => cache)
      async find(id: number) {
        calls += 1
        return `user ${id}`
      }
    }
    expect([await new Users().find(1), await new Users().find(1)]).toEqual(['user 1', 'user 1'])
    expect(calls).toBe(3)
  })

  test('middleware answers 304, and keeps nothing personal', async () => {
    const { cache } = memoryCache()
    let calls = 0
    const app = new Hono().get(
      '/',
      httpCache(() => cache, { ttlMs: 1_000 }),
      (context) => context.text(`${++calls}`),
    )
    const first = await app.request('/')
    const etag = first.headers.get('etag')!
    expect([await first.text(), await (await app.request('/')).text()]).toEqual(['1', '1'])
    expect((await app.request('/', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect(await (await app.request('/', { headers: { cookie: 'a=1' } })).text()).toBe('2')
  })
})

test('stable keys and stored entries keep the meaning of values', () => {
  expect(stableKey({ a: 1, b: new Map([[1n, new Set([2, 1])]]) })).toBe(
    stableKey({ b: new Map([[1n, new Set([1, 2])]]), a: 1 }),
  )
  expect(stableKey('1')).not.toBe(stableKey(1))
  expect(stableKey('x'.repeat(500))).toMatch(/^sha256:/)
  expect(() => stableKey(() => 1)).toThrow(expect.objectContaining({ code: 'CACHE_KEY_INVALID' }))
  const value = {
    a: [1n, undefined, new Date(5), Number.NaN],
    m: new Map([['k', new Set([1])]]),
    b: new Uint8Array([1]),
    $ark: 'x',
  }
  const entry = { value, createdMs: 1, freshUntilMs: 2, staleUntilMs: 3, tags: ['t'] }
  for (const limit of [0, 1_000_000]) expect(decode(encode(entry, limit))).toEqual(entry)
  for (const bytes of ['', 'x', '\x11{}', '\x12zz', '\x11[1,2,3,[],{"$ark":"no"}]'])
    expect(decode(Buffer.from(bytes))).toBeUndefined()
})

describe('the cache with Redis', () => {
  let server: Instance
  beforeAll(async () => {
    server = await privateRedis()
  })
  afterAll(() => server.stop())
  const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger

  async function node() {
    const config = RedisConfig.parse({ url: server.url, commandTimeout: '300ms', reconnectMax: '100ms' })
    const redis = new RedisConnections({ config, clock: systemClock, log: silent, connector, onState: () => {} })
    await redis.start()
    const settings = CacheConfig.parse({ redisPause: '100ms' })
    const cache = new TieredCache({
      config: settings,
      clock: systemClock,
      redis: (onInvalidation) => new RedisTier({ redis, config: settings, clock: systemClock, onInvalidation }),
      info: () => redis.info(),
    })
    let subscribed = 0
    redis.onSubscribed(() => {
      subscribed += 1
    })
    const stopTimers = cache.redis!
    stopTimers.start()
    await until(() => subscribed > 0)
    return { cache, redis, stop: () => [stopTimers.stop(), redis.stop()] }
  }
  async function until(met: () => boolean | Promise<boolean>) {
    for (let round = 0; round < 200 && !(await met()); round += 1) await systemClock.sleep(25)
    expect(await met()).toBe(true)
  }

  test('shares values and invalidations between three nodes, and survives poison and kill -9', async () => {
    const nodes = await Promise.all([node(), node(), node()])
    const [a, b, c] = nodes.map(({ cache }) => cache) as [TieredCache, TieredCache, TieredCache]
    await a.set('k', { n: 1n }, { tags: ['t'] })
    expect([await b.get<unknown>('k'), await c.getOrSet<unknown>('k', () => 'loaded')]).toEqual([{ n: 1n }, { n: 1n }])
    await systemClock.sleep(2)
    await b.invalidateTag('t')
    await until(async () => (await c.get('k')) === undefined && (await a.get('k')) === undefined)
    await a.set('k', 2)
    await until(async () => (await b.get<number>('k')) === 2)
    await a.delete('k')
    await until(async () => (await b.get('k')) === undefined)
    await nodes[0]!.redis.call('SET', 'arkwatch:cache:k:bad', 'garbage')
    expect(await a.get('bad')).toBeUndefined()
    expect(a.stats().poisoned).toBe(1)
    await a.set('kept', 1)
    expect((await b.fullStats()).redis_memory_usage).toBeGreaterThan(0)
    await server.kill9()
    expect(await a.get<number>('kept')).toBe(1)
    expect(await a.getOrSet('new', () => 'loaded')).toBe('loaded')
    await server.restart()
    await until(async () => (await a.get('kept')) === undefined)
    await until(async () => {
      await a.set('after', 1)
      return (await b.get<number>('after')) === 1
    })
    expect(await b.clear('aft*')).toBe(1)
    for (const { stop } of nodes) stop()
  })
})
