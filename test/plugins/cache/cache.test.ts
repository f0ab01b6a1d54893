import { describe, expect, test } from 'bun:test'
import cachePlugin from '../../../plugins/cache/index.ts'
import type { Cache } from '../../../plugins/cache/public.ts'
import { cached } from '../../../plugins/cache/public.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { codeOf, memoryCache } from './support.ts'

pluginContract(cachePlugin)

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
    expect(cache.stats()).toMatchObject({ loads: 2, misses: 10_001, stampedes_avoided: 9_999, hits: 2 })
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
    expect(calls).toBe(2)
    expect(() => cache.wrap(() => 1)).toThrow(expect.objectContaining({ code: 'CACHE_KEY_INVALID' }))
    const named = cache.wrap((_: number) => 'by key', {
      key: (id: number) => `n:${id}`,
      tags: (id) => [`n${id}`],
      ttlMs: 5,
    })
    await named(1)
    expect(cache.list().find(({ key }) => key === 'n:1')).toMatchObject({ tags: ['n1'], ttlMs: 5 })
  })

  test('the decorator caches by class, method and arguments, for all objects of the class', async () => {
    const { cache } = memoryCache()
    const calls: string[] = []
    class Users {
      constructor(protected readonly cache?: Cache) {}
      @cached()
      async find(id: number) {
        calls.push(`users ${id}`)
        return `user ${id}`
      }
    }
    class Orders {
      @cached({ cache: () => cache, ttlMs: 1_000, tags: ['orders'] })
      async find(id: number) {
        calls.push(`orders ${id}`)
        return `order ${id}`
      }
    }
    for (let round = 0; round < 2; round += 1) {
      expect(await new Users(cache).find(1)).toBe('user 1')
      expect(await new Orders().find(1)).toBe('order 1')
    }
    expect(calls).toEqual(['users 1', 'orders 1'])
    await cache.invalidateTag('orders')
    await new Orders().find(1)
    expect(calls).toHaveLength(3)
    expect(await codeOf(new Users().find(1))).toBe('CACHE_MISSING')
  })
})

describe('times', () => {
  test('are shortened by the jitter, up to its share', async () => {
    const { cache } = memoryCache({ jitter: 0.2, ttl: '10s' }, () => 0.5)
    await cache.set('a', 1)
    await cache.getOrSet('b', () => 1, { ttlMs: 1_000 })
    expect(cache.list().map(({ ttlMs }) => ttlMs)).toEqual([9_000, 900])
  })

  test('a hit past `refreshAhead` of its time loads behind, once, and a failure leaves it alone', async () => {
    const { cache, clock } = memoryCache({ graceBackoff: '1s' })
    let loads = 0
    const load = async () => {
      loads += 1
      await clock.sleep(50)
      if (loads === 2) throw new Error('no luck')
      return loads
    }
    const ask = () => cache.getOrSet('a', load, { refreshAhead: 0.8 })
    const first = ask()
    await clock.advance(50)
    expect(await first).toBe(1)
    await clock.advance(7_900)
    expect(await ask()).toBe(1)
    expect(loads).toBe(1)
    await clock.advance(200)
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1])
    await clock.advance(50)
    expect(loads).toBe(2)
    expect(await ask()).toBe(1)
    expect(loads).toBe(2)
    await clock.advance(1_000)
    expect(await ask()).toBe(1)
    await clock.advance(50)
    expect(await ask()).toBe(3)
  })

  test('a soft timeout waits so long for a new value, then gives the old one', async () => {
    const { cache, clock } = memoryCache({ grace: '1h' })
    await cache.set('a', 'old')
    await clock.advance(10_000)
    const asked = cache.getOrSet('a', () => clock.sleep(100).then(() => 'new'), { softTimeoutMs: 30 })
    await clock.advance(30)
    expect(await asked).toBe('old')
    await clock.advance(70)
    expect(await cache.get<string>('a')).toBe('new')
    await clock.advance(10_000)
    const failing = cache.getOrSet<string>('a', () => Promise.reject(new Error('no luck')), { softTimeoutMs: 30 })
    expect(await failing).toBe('new')
  })

  test('`null` and `undefined` have a time to live of their own, unless the loader says another', async () => {
    const { cache, clock } = memoryCache()
    let loads = 0
    const options = { negativeTtlMs: 100 }
    const nothing = () => {
      loads += 1
      return null
    }
    await cache.getOrSet('a', nothing, options)
    await cache.getOrSet('v', () => 1, options)
    await cache.getOrSet('own', ({ ttl }) => ttl(500), options)
    expect(cache.list().map(({ key, ttlMs }) => [key, ttlMs])).toEqual([
      ['a', 100],
      ['v', 10_000],
      ['own', 500],
    ])
    await cache.getOrSet('a', nothing, options)
    await clock.advance(100)
    await cache.getOrSet('a', nothing, options)
    expect(loads).toBe(2)
  })

  test('what is no time is refused, 0 keeps nothing and for ever is ten years', async () => {
    const { cache } = memoryCache()
    for (const ttlMs of [-1, Number.NaN]) {
      expect(await codeOf(cache.set('a', 1, { ttlMs }))).toBe('CACHE_TIME_INVALID')
      expect(await codeOf(cache.getOrSet('b', () => 1, { ttlMs }))).toBe('CACHE_TIME_INVALID')
    }
    await cache.set('a', 1)
    await cache.set('a', 2, { ttlMs: 0 })
    expect(await cache.get('a')).toBeUndefined()
    await cache.set('a', 1, { ttlMs: Number.POSITIVE_INFINITY, graceMs: Number.POSITIVE_INFINITY })
    expect(await cache.get<number>('a')).toBe(1)
    expect(cache.list()[0]!.ttlMs).toBe(10 * 365 * 86_400_000)
  })
})

describe('counts and bounds', () => {
  test('what goes is counted by cause', async () => {
    const { cache, clock } = memoryCache({ maxEntries: 3, maxSize: '10kB' })
    for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 1, { tags: ['t'] })
    await cache.set('large', 'x'.repeat(4_700))
    await cache.set('larger', 'x'.repeat(9_000))
    const { entries, bytes } = cache.stats().evictions_by_cause
    expect([entries, bytes]).toEqual([2, expect.any(Number)])
    expect(bytes).toBeGreaterThan(0)
    expect(cache.stats()).toMatchObject({ rejected: 1, evictions: entries + bytes })
    expect(cache.stats().evicted_bytes).toBeGreaterThan(400)
    await cache.clear()
    const before = cache.stats().evictions_by_cause.invalidated
    await cache.set('k', 1, { tags: ['t'] })
    await cache.set('l', 1, { ttlMs: 5 })
    await cache.set('m', 1)
    await cache.invalidateTag('t')
    await clock.advance(5)
    await cache.mget(['k', 'l'])
    await cache.delete('m')
    expect(cache.stats().evictions_by_cause).toMatchObject({ expired: 1, tag: 1, invalidated: before + 1 })
  })

  test('loads are timed, and those that fail counted', async () => {
    const { cache, clock } = memoryCache()
    const asked = cache.getOrSet('a', () => clock.sleep(250).then(() => 1))
    await clock.advance(0)
    expect(cache.stats().loads_pending).toBe(1)
    await clock.advance(250)
    await asked
    await codeOf(cache.getOrSet('b', () => Promise.reject(new Error('no luck'))))
    expect(cache.stats()).toMatchObject({ loads: 2, load_failures: 1, load_seconds: 0.25, loads_pending: 0, misses: 2 })
  })

  test('more invalidated tags than fit are remembered within the limit, and none is forgotten', async () => {
    const { cache } = memoryCache({ maxTags: 100 })
    await cache.set('k', 1, { tags: ['first'] })
    await cache.invalidateTag('first')
    for (let index = 0; index < 1_000; index += 1) await cache.invalidateTag(`t${index}`)
    expect(cache.memory.tags.size).toBe(100)
    expect(await cache.get('k')).toBeUndefined()
  })

  test('a value that is set while it is loaded stays, and whoever asks after an invalidation gets a new load', async () => {
    const { cache, clock } = memoryCache()
    const slow = (value: string) => () => clock.sleep(10).then(() => value)
    const first = cache.getOrSet('a', slow('loaded'))
    await clock.advance(1)
    await cache.set('a', 'set')
    await clock.advance(10)
    expect([await first, await cache.get<string>('a')]).toEqual(['loaded', 'set'])
    const before = cache.getOrSet('b', slow('before'))
    await clock.advance(1)
    await cache.delete('b')
    const after = cache.getOrSet('b', slow('after'))
    await clock.advance(10)
    expect([await before, await after, await cache.get<string>('b')]).toEqual(['before', 'after', 'after'])
  })

  test('a loader that throws or rejects leaves no rejection unhandled', async () => {
    const { cache, clock } = memoryCache({ grace: '1h' })
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    await cache.set('a', 1)
    await clock.advance(10_000)
    await cache.getOrSet('a', () => Promise.reject(new Error('behind')))
    const timedOut = codeOf(
      cache.getOrSet('b', () => clock.sleep(10).then(() => Promise.reject(new Error('late'))), { hardTimeoutMs: 1 }),
    )
    await clock.advance(20)
    expect(await timedOut).toBe('CACHE_LOAD_TIMEOUT')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  test('a namespace is a view with all that a cache can do', async () => {
    const { cache } = memoryCache()
    const users = cache.namespace('users').namespace('eu')
    await users.set('1', 'Ada')
    expect(await users.mget(['1', '2'])).toEqual(['Ada', undefined])
    expect(await users.getOrSet('2', () => 'Bob')).toBe('Bob')
    expect(await users.wrap((id: number) => `user ${id}`, { key: 'find' })(3)).toBe('user 3')
    expect(users.list(2).map(({ key }) => key)).toEqual(['users:eu:1', 'users:eu:2'])
    expect(await users.delete('1')).toBe(true)
    await cache.set('users:other', 1)
    expect(await users.clear('find*')).toBe(1)
    expect(await cache.namespace('users').clear()).toBe(2)
    expect(cache.stats().local_cache_size).toBe(0)
    expect(() => cache.namespace('us*rs')).toThrow(expect.objectContaining({ code: 'CACHE_KEY_INVALID' }))
  })
})
