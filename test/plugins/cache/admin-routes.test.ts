import { expect, setDefaultTimeout, test } from 'bun:test'
import { Cache } from '../../../plugins/cache/api.ts'
import cache from '../../../plugins/cache/index.ts'
import { bootAdmin } from '../admin/support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)

test('the cache is counted, listed without values, and emptied by key, tag, pattern and as a whole', async () => {
  await using at = await bootAdmin({ plugins: [cache], config: { plugins: { cache: { advice: true } } } })
  const service = at.runtime.service(Cache)
  for (const key of ['a:1', 'a:2', 'b:1', 'b:2']) await service.set(key, 'SECRET VALUE', { tags: [key[0]!] })
  const { cache_stats: stats } = (await at.get('/monitoring/cache/stats')) as never as {
    cache_stats: Record<string, unknown>
  }
  expect(Object.keys(stats).sort()).toEqual([
    'deletes',
    'evictions',
    'hit_rate',
    'hits',
    'local_cache_size',
    'local_hits',
    'misses',
    'redis_hits',
    'redis_keyspace_hits',
    'redis_keyspace_misses',
    'redis_memory_usage',
    'sets',
  ])
  expect(stats).toMatchObject({ sets: 4, hits: 0, local_cache_size: 4, redis_memory_usage: null })
  expect(await at.get('/admin/cache/stats')).toMatchObject({
    loads: 0,
    evictions_by_cause: { entries: 0 },
    ghost: { half: 0, ttl: { half: 0 } },
  } as never)
  const listed = JSON.stringify(await at.get('/admin/cache'))
  expect(listed).toContain('a:1')
  expect(listed).not.toContain('SECRET VALUE')
  const evict = (json: unknown) => at.get('/admin/cache/evict', { json })
  expect(await evict({ key: 'a:1' })).toEqual({ evicted: 1 } as never)
  expect(await service.get('a:1')).toBeUndefined()
  await evict({ tag: 'a' })
  expect(await service.get('a:2')).toBeUndefined()
  expect(await service.get('b:1')).toBeDefined()
  await evict({ pattern: 'b:1*' })
  expect(await service.get('b:1')).toBeUndefined()
  await evict({ all: true })
  expect(await service.get('b:2')).toBeUndefined()
  expect(await at.codeOf('/admin/cache/evict', { json: { key: 'x', tag: 'y' } })).toEqual([422, 'ADMIN_INVALID'])
  expect(await at.codeOf('/admin/cache?limit=0')).toEqual([422, 'ADMIN_INVALID'])
  const { records } = (await at.get('/admin/audit?action=cache.evict')) as never as { records: unknown[] }
  expect(records.length).toBeGreaterThanOrEqual(8)
})
