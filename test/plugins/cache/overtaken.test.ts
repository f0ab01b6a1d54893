import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import { TieredCache } from '../../../plugins/cache/engine.ts'
import { dropScript } from '../../../plugins/cache/redis/scripts.ts'
import type { Redis } from '../../../plugins/redis/api.ts'
import { type Instance, privateRedis } from '../../support/services.ts'
import { cacheNode } from './support.ts'

// A Redis server answers in real time.

let server: Instance
beforeAll(async () => {
  server = await privateRedis()
})
afterAll(() => server.stop())

/** A cache on the real server, whose removals are lost and whose looks are answered when the test says so. */
async function overtaken() {
  const node = await cacheNode(server.url)
  const lost = Promise.withResolvers<never>()
  let answer = Promise.resolve()
  const redis: Redis = {
    ...node.redis,
    call: <T>(...command: Parameters<Redis['call']>) =>
      command[1] === dropScript.sha ? (lost.promise as Promise<T>) : node.redis.call<T>(...command),
    callBytes: async <T>(...command: Parameters<Redis['callBytes']>) => {
      const found = await node.redis.callBytes<T>(...command)
      await answer
      return found
    },
    onSubscribed: () => () => {},
    subscribe: () => () => {},
  } as unknown as Redis
  const clock = systemClock
  const cache = new TieredCache(CacheConfig.parse({ jitter: 0, redisPause: '1h' }), {
    clock,
    redis,
  })
  await cache.start()
  return {
    cache,
    lose: () => lost.reject(Object.assign(new Error('no answer'), { code: 'REDIS_TIMEOUT' })),
    hold() {
      const held = Promise.withResolvers<void>()
      answer = held.promise
      return held.resolve
    },
    [Symbol.dispose]() {
      cache.redis?.stop()
      node.stop()
    },
  }
}

describe('a look into Redis that overtakes a removal which is lost', () => {
  test('leaves no old value in memory when it was answered before', async () => {
    using node = await overtaken()
    await node.cache.set('before', 'old')
    const deleted = node.cache.delete('before')
    expect(await node.cache.get<string>('before')).toBe('old')
    node.lose()
    await deleted
    expect(await node.cache.getOrSet('before', () => 'new')).toBe('new')
  })

  test('leaves none when it is answered after', async () => {
    using node = await overtaken()
    await node.cache.set('after', 'old')
    const deleted = node.cache.delete('after')
    const release = node.hold()
    const looked = node.cache.get<string>('after')
    await systemClock.sleep(20)
    node.lose()
    await deleted
    release()
    await looked
    expect(await node.cache.getOrSet('after', () => 'new')).toBe('new')
  })
})
