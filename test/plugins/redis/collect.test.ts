import { expect, test } from 'bun:test'
import { redisInfoCollector } from '../../../plugins/redis/collect.ts'
import type { RedisConnections } from '../../../plugins/redis/engine.ts'
import { recorder } from '../metrics/recorder.ts'

test('the totals of the server are counters that follow its restart, and stay while it does not answer', async () => {
  const metrics = recorder()
  let info: Record<string, string> | undefined = { keyspace_hits: '7', used_memory: '100' }
  const redis = { info: async () => new Map(Object.entries(info!)) } as unknown as RedisConnections
  const collect = redisInfoCollector(redis).setup(metrics)
  await collect()
  const values = () => [
    metrics.value('arkwatch_redis_keyspace_hits_total'),
    metrics.value('arkwatch_redis_memory_used_bytes'),
  ]
  expect(values()).toEqual([7, 100])
  expect(metrics.families.map(({ type }) => type)).toEqual(['gauge', 'counter'])
  info = undefined
  await collect()
  expect(values()).toEqual([7, 100])
  info = { keyspace_hits: '2', used_memory: '50' }
  await collect()
  expect(values()).toEqual([2, 50])
})
