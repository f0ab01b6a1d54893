/** Caches for tests: in memory with time that stands still, and nodes on a real Redis. */
import { expect } from 'bun:test'
import type { Clock } from '../../../core/contract/clock.ts'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import { TieredCache } from '../../../plugins/cache/engine.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/engine.ts'
import { testClock } from '../../../testing/test-clock.ts'

export const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger

export function memoryCache(options: Record<string, unknown> = {}, random?: () => number) {
  const clock = testClock()
  const config = CacheConfig.parse({ jitter: 0, ttl: '10s', ...options })
  return { cache: new TieredCache(config, { clock, ...(random && { random }) }), clock }
}

export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error) => error.code ?? error.message,
  )

/** Waits in real time: the server is another process. */
export async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  // Up to 30 s, which a loaded machine may need.
  for (let round = 0; round < 1_200 && !(await met()); round += 1) await systemClock.sleep(25)
  expect(await met()).toBe(true)
}

export interface NodeOptions {
  readonly cache?: Record<string, unknown>
  readonly redis?: Record<string, unknown>
  /** The wall clock of this node's machine. */
  readonly clock?: Clock
}

/** One process's cache on Redis, its bus joined. A command has time on a loaded machine, where a test sets no other limit. */
export async function cacheNode(url: string, { cache: options, redis: more, clock = systemClock }: NodeOptions = {}) {
  const redisConfig = RedisConfig.parse({ url, commandTimeout: '10s', reconnectMax: '100ms', ...more })
  const redis = new RedisConnections({ config: redisConfig, clock, log: silent, connector, onState: () => {} })
  await redis.start()
  const config = CacheConfig.parse({ redisPause: '100ms', jitter: 0, ...options })
  const cache = new TieredCache(config, {
    clock,
    redis,
  })
  await cache.start()
  const stop = () => {
    cache.redis?.stop()
    redis.stop()
  }
  await until(() => cache.stats().bus_generation > 0)
  return { cache, redis, config, stop, [Symbol.dispose]: stop }
}
