import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { cacheNode, codeOf, until } from './support.ts'

// A server answers in real time.
setDefaultTimeout(30_000)

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

const key = (name: string) => `arkwatch:cache:k:${name}`
beforeEach(async () => {
  using node = await cacheNode(server.url)
  await node.redis.call('FLUSHALL')
})

describe('the Redis tier', () => {
  test('gives another node the value with the time that it has left', async () => {
    using a = await cacheNode(server.url)
    using b = await cacheNode(server.url)
    await a.cache.set('k', { n: 1n }, { ttlMs: 60_000, graceMs: 5_000, tags: ['t'] })
    await systemClock.sleep(200)
    expect(await b.cache.get<unknown>('k')).toEqual({ n: 1n })
    const [there, here] = [a, b].map(({ cache }) => cache.list()[0]!)
    expect(here).toMatchObject({ key: 'k', tags: ['t'] })
    expect(Math.abs(there!.ttlMs - here!.ttlMs)).toBeLessThan(50)
    expect(here!.ttlMs).toBeLessThan(59_850)
    expect(Number(await a.redis.call('PTTL', key('k')))).toBeGreaterThan(60_000)
    expect(await b.cache.getOrSet<unknown>('k', () => 'loaded')).toEqual({ n: 1n })
    expect(b.cache.stats()).toMatchObject({ redis_hits: 1, local_hits: 1, misses: 0, loads: 0 })
  })

  test('looks once for 10,000 who ask at one time, and loads once', async () => {
    using node = await cacheNode(server.url)
    const before = node.redis.stats().commands
    let loads = 0
    const loader = async () => {
      loads += 1
      await systemClock.sleep(20)
      return 'one'
    }
    const all = await Promise.all(Array.from({ length: 10_000 }, () => node.cache.getOrSet('k', loader)))
    expect(new Set(all)).toEqual(new Set(['one']))
    expect(loads).toBe(1)
    // The look, the first mark, and what was kept; the probe may fall in between.
    expect(node.redis.stats().commands - before).toBeLessThan(10)
  })

  test('mget asks for all that is not in memory in one command', async () => {
    using a = await cacheNode(server.url)
    using b = await cacheNode(server.url, { cache: { redisPause: '1m' } })
    for (const name of ['1', '2', '3']) await a.cache.set(name, Number(name), { tags: [`t${name}`] })
    await b.cache.get('1')
    const before = b.redis.stats().commands
    expect(await b.cache.mget<number>(['1', '2', 'none', '3', '2'])).toEqual([1, 2, undefined, 3, 2])
    expect(b.redis.stats().commands - before).toBe(2)
    expect(b.cache.stats()).toMatchObject({ local_hits: 1, redis_hits: 4, misses: 1 })
    await a.cache.invalidateTag('t3')
    await until(async () => (await b.cache.mget(['3', '2']))[0] === undefined)
  })

  test('looks under way are bounded: what is over the limit is loaded', async () => {
    using node = await cacheNode(server.url, { cache: { maxLoads: 5 } })
    const asked = Array.from({ length: 20 }, (_, index) => node.cache.get(`${index}`))
    expect(new Set(await Promise.all(asked))).toEqual(new Set([undefined]))
    expect(node.cache.stats()).toMatchObject({ redis_skipped: 15, misses: 20 })
    await node.cache.get('again')
    expect(node.cache.stats().redis_skipped).toBe(15)
  })

  test('tells what the server says of itself, and nothing where it is away', async () => {
    using node = await cacheNode(server.url)
    using other = await cacheNode(server.url)
    await node.cache.set('k', 1)
    const before = await node.cache.fullStats()
    await other.cache.mget(['k', 'absent'])
    const stats = await node.cache.fullStats()
    expect(stats.redis_memory_usage).toBeGreaterThan(100_000)
    expect(stats.redis_keyspace_hits).toBeGreaterThan(before.redis_keyspace_hits!)
    expect(stats.redis_keyspace_misses).toBeGreaterThan(before.redis_keyspace_misses!)
    node.redis.stop()
    expect(await node.cache.fullStats()).toMatchObject({ redis_memory_usage: null, redis_keyspace_misses: null })
  })

  test('a value in its grace is served to a node that has none while its source is down', async () => {
    using a = await cacheNode(server.url)
    using b = await cacheNode(server.url)
    await a.cache.set('k', 'old', { ttlMs: 1, graceMs: 60_000 })
    // Each node measures the clock of Redis, on a loaded machine no better than by a round trip.
    await systemClock.sleep(500)
    const failing = () => Promise.reject(new Error('source is down'))
    expect(await b.cache.getOrSet<string>('k', failing, { softTimeoutMs: 500 })).toBe('old')
    expect(b.cache.stats()).toMatchObject({ stale_hits: 1, load_failures: 1 })
    expect(await b.cache.getOrSet<string>('none', failing).catch(() => 'threw')).toBe('threw')
  })

  test('an entry that is damaged or foreign is a counted miss', async () => {
    using node = await cacheNode(server.url)
    for (const [name, bytes] of Object.entries({ garbage: 'garbage', empty: '', older: '\x11[1]', json: '{"a":1}' })) {
      await node.redis.call('SET', key(name), bytes)
      expect(await node.cache.getOrSet(name, () => 'loaded')).toBe('loaded')
    }
    await node.redis.call('RPUSH', key('list'), 'x')
    expect(await node.cache.getOrSet('list', () => 'loaded')).toBe('loaded')
    expect(node.cache.stats()).toMatchObject({ poisoned: 4, loads: 5, redis_up: true })
    await node.redis.call('PUBLISH', 'arkwatch:cache:#bus', 'no json')
    await node.redis.call('PUBLISH', 'arkwatch:cache:#bus', '["x","flush","y"]')
    await until(() => node.cache.stats().bus_foreign === 2)
  })

  test('what is too large, or cannot be written down, stays in memory', async () => {
    using node = await cacheNode(server.url, { cache: { maxEntrySize: '1kB' } })
    await node.cache.set('small', 1)
    await node.cache.set('large', 'x'.repeat(2_000))
    await node.cache.set('function', { call: () => 1 })
    expect(await node.redis.call('EXISTS', key('small'), key('large'), key('function'))).toBe(1)
    expect(await node.cache.get<string>('large')).toHaveLength(2_000)
    expect(node.cache.stats().unstorable).toBe(2)
  })

  test('a pattern goes through SCAN, and its special characters mean nothing but the star', async () => {
    using node = await cacheNode(server.url)
    const names = [...Array.from({ length: 1_500 }, (_, index) => `user:${index}`), 'us[e]r?', 'user', 'x\\y', 'other']
    await Promise.all(names.map((name) => node.cache.set(name, 1)))
    await node.redis.call('CONFIG', 'RESETSTAT')
    expect(await node.cache.clear('user:*')).toBe(1_500)
    const asked = await node.redis.info('commandstats')
    expect([asked.has('cmdstat_scan'), asked.has('cmdstat_keys')]).toEqual([true, false])
    expect(await node.cache.clear('us[e]r?')).toBe(1)
    expect(await node.cache.clear('x\\y')).toBe(1)
    expect(await node.cache.namespace('oth').clear()).toBe(0)
    expect(
      node.cache
        .list()
        .map((entry) => entry.key)
        .sort(),
    ).toEqual(['other', 'user'])
    expect(await node.cache.clear()).toBe(2)
    expect(await node.redis.call<string[]>('KEYS', 'arkwatch:cache:k:*')).toEqual([])
  })
})

describe('invalidation in Redis', () => {
  const ways = {
    key: (cache: { delete(key: string): Promise<unknown> }) => cache.delete('k'),
    tag: (cache: { invalidateTag(tag: string): Promise<unknown> }) => cache.invalidateTag('t'),
    pattern: (cache: { clear(pattern: string): Promise<unknown> }) => cache.clear('k*'),
    set: (cache: { set(key: string, value: unknown): Promise<unknown> }) => cache.set('k', 'new'),
  }
  for (const [kind, invalidate] of Object.entries(ways)) {
    test(`by ${kind}: what a deaf node began to load before it is not kept in Redis`, async () => {
      using a = await cacheNode(server.url)
      using deaf = await cacheNode(server.url)
      using other = await cacheNode(server.url)
      deaf.cache.redis!.bus.stop()
      const { promise, resolve } = Promise.withResolvers<string>()
      let began = false
      const asked = deaf.cache.getOrSet(
        'k',
        () => {
          began = true
          return promise
        },
        { tags: ['t'] },
      )
      await until(() => began)
      await invalidate(a.cache)
      resolve('old')
      expect(await asked).toBe('old')
      await systemClock.sleep(20)
      expect(await other.cache.get<string>('k')).toBe(kind === 'set' ? 'new' : (undefined as never))
    })
  }

  test('a server that forgot its tags between a load and its end is given nothing', async () => {
    using a = await cacheNode(server.url)
    using b = await cacheNode(server.url)
    await a.cache.invalidateTag('warm')
    b.cache.redis!.bus.stop()
    const { promise, resolve } = Promise.withResolvers<string>()
    const asked = b.cache.getOrSet('k', () => promise, { tags: ['t'] })
    await until(() => b.cache.stats().loads === 1)
    await a.cache.invalidateTag('t')
    await a.redis.call('FLUSHALL')
    await a.cache.invalidateTag('again')
    resolve('old')
    await asked
    await systemClock.sleep(20)
    expect(await a.cache.get('k')).toBeUndefined()
    expect(await a.redis.call('EXISTS', key('k'))).toBe(0)
  })

  test('tags hold between nodes whose clocks are an hour apart, and so do times to live', async () => {
    const late = { ...systemClock, now: () => systemClock.now() - 3_600_000 }
    const early = { ...systemClock, now: () => systemClock.now() + 3_600_000 }
    using a = await cacheNode(server.url, { clock: late })
    using b = await cacheNode(server.url, { clock: early })
    await b.cache.set('k', 'old', { tags: ['t'], ttlMs: 60_000 })
    // The message about it makes the other node forget, what it has just read too.
    await systemClock.sleep(20)
    expect(await a.cache.get<string>('k')).toBe('old')
    expect(a.cache.list()[0]!.ttlMs).toBeGreaterThan(59_000)
    expect(a.cache.list()[0]!.ttlMs).toBeLessThan(61_000)
    await a.cache.invalidateTag('t')
    expect(await a.cache.get('k')).toBeUndefined()
    await until(async () => (await b.cache.get('k')) === undefined)
    await b.cache.set('k', 'new', { tags: ['t'] })
    expect(await a.cache.get<string>('k')).toBe('new')
  })

  test('a clock of the server that is set back still orders invalidations', async () => {
    using node = await cacheNode(server.url)
    const future = `${Date.now() * 1_000}:${(Date.now() + 86_400_000) * 1_000}`
    await node.redis.call('SET', 'arkwatch:cache:#clock', future)
    await node.cache.set('k', 'old', { tags: ['t'] })
    await node.cache.invalidateTag('t')
    expect(await node.cache.get('k')).toBeUndefined()
    await node.cache.set('k', 'new', { tags: ['t'] })
    using other = await cacheNode(server.url)
    expect(await other.cache.get<string>('k')).toBe('new')
  })

  test('what is read from Redis while it is invalidated here is not kept', async () => {
    using a = await cacheNode(server.url)
    using b = await cacheNode(server.url)
    await a.cache.set('k', 'old')
    const asked = b.cache.get<string>('k')
    await Promise.resolve()
    const deleted = b.cache.delete('k')
    expect([await asked, await deleted]).toEqual(['old', true])
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('nothing is read from Redis before the invalidations that wait have arrived', async () => {
    using node = await cacheNode(server.url, { cache: { redisPause: '1m' } })
    await node.cache.set('k', 'old')
    node.cache.memory.deleteAll()
    node.cache.redis!.bus.keepForLater(['key', 'k'])
    expect(await node.cache.get('k')).toBeUndefined()
    expect(node.cache.stats().bus_waiting).toBe(0)
  })

  test('messages of its own mean nothing to a node', async () => {
    using node = await cacheNode(server.url)
    await node.cache.set('k', 1)
    await systemClock.sleep(50)
    expect(node.cache.list()).toHaveLength(1)
    expect(node.cache.stats().evictions_by_cause.invalidated).toBe(0)
  })
})

describe('the lock', () => {
  test('is given back only by whoever holds it', async () => {
    using a = await cacheNode(server.url, { cache: { lockHold: '60ms' } })
    const name = 'arkwatch:cache:l:k'
    await a.cache.getOrSet(
      'k',
      async () => {
        await systemClock.sleep(100)
        await a.redis.call('SET', name, 'another’s')
        return 1
      },
      { lock: true },
    )
    await systemClock.sleep(30)
    expect(await a.redis.call<string>('GET', name)).toBe('another’s')
    await a.cache.getOrSet('free', () => 1, { lock: true })
    await until(async () => (await a.redis.call('EXISTS', 'arkwatch:cache:l:free')) === 0)
  })

  test('is waited for no longer than `lockWait`, and not at all where Redis is away', async () => {
    using a = await cacheNode(server.url, { cache: { lockWait: '80ms', lock: true } })
    await a.redis.call('SET', 'arkwatch:cache:l:k', 'another’s')
    const startedMs = systemClock.monotonic()
    expect(await a.cache.getOrSet('k', () => 'mine')).toBe('mine')
    const tookMs = systemClock.monotonic() - startedMs
    expect(tookMs).toBeGreaterThanOrEqual(79)
    expect(tookMs).toBeLessThan(1_000)
    expect(a.cache.stats().lock_expired).toBe(1)
    a.redis.stop()
    expect(await a.cache.getOrSet('l', () => 'mine')).toBe('mine')
  })

  test('a load that fails gives it back', async () => {
    using a = await cacheNode(server.url, { cache: { lock: true } })
    expect(await codeOf(a.cache.getOrSet('k', () => Promise.reject(new Error('no luck'))))).toBe('no luck')
    await until(async () => (await a.redis.call('EXISTS', 'arkwatch:cache:l:k')) === 0)
  })
})
