import { expect, test } from 'bun:test'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import { memoryCache } from './support.ts'

const groups = [
  { name: 'admins', pattern: 'user:admin:*' },
  { name: 'users', pattern: 'user:*' },
]
const none = { local_hits: 0, redis_hits: 0, misses: 0, loads: 0, load_failures: 0, load_seconds: 0 }

test('keys are counted by the first group that they are in, and the rest as other', async () => {
  const { cache } = memoryCache({ groups })
  const users = cache.namespace('user')
  for (let round = 0; round < 3; round += 1) {
    await users.getOrSet('admin:1', () => 1)
    await users.getOrSet('2', () => 2)
    await cache.get('nothing')
  }
  await users.mget(['2', 'away'])
  const failed = users.getOrSet('bad', () => Promise.reject(new Error('no'))).then(undefined, () => {})
  await failed
  expect(cache.stats().groups).toEqual({
    admins: { ...none, local_hits: 2, misses: 1, loads: 1 },
    users: { ...none, local_hits: 3, misses: 3, loads: 2, load_failures: 1 },
    other: { ...none, misses: 3 },
  })
  const { hits, misses, loads } = cache.stats()
  expect([hits, misses, loads]).toEqual([5, 7, 3])
})

test('a hundred thousand keys make no further group, and without groups there is none', async () => {
  const { cache } = memoryCache({ groups })
  for (let key = 0; key < 100_000; key += 1) await cache.get(`random:${key}`)
  expect(Object.keys(cache.stats().groups)).toEqual(['admins', 'users', 'other'])
  expect(cache.stats().groups.other?.misses).toBe(100_000)
  expect(memoryCache().cache.stats().groups).toEqual({})
})

test('a reload regroups what is in memory, and groups that stay go on counting', async () => {
  const { cache } = memoryCache({ groups })
  await cache.set('user:1', 1)
  await cache.get('user:1')
  await cache.configure(
    CacheConfig.parse({ groups: [{ name: 'first', pattern: '*:1' }, ...groups], jitter: 0, ttl: '10s' }),
  )
  await cache.get('user:1')
  await cache.get('user:2')
  expect(cache.stats().groups).toMatchObject({
    first: { local_hits: 1 },
    users: { local_hits: 1, misses: 1 },
    other: none,
  })
  await cache.configure(CacheConfig.parse({}))
  expect(cache.stats().groups).toEqual({})
})

test('groups have names that differ, none is called other, and there are at most 50', () => {
  const ok = (list: unknown) => CacheConfig.safeParse({ groups: list }).success
  const many = Array.from({ length: 51 }, (_, index) => ({ name: `g${index}`, pattern: '*' }))
  expect(ok(many.slice(1))).toBe(true)
  expect([ok(many), ok([{ name: 'other', pattern: 'a' }]), ok([groups[0], groups[0]])]).toEqual([false, false, false])
})
