/** The caches that are measured, behind one interface. */
import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Cacheable, Keyv as CacheableKeyv, KeyvCacheableMemory } from 'cacheable'
import Keyv from 'keyv'
import { LRUCache } from 'lru-cache'
import type { Logger } from '../../../core/contract/logger.ts'
import { systemClock } from '../../../core/process/clock.ts'
import { CacheConfig } from '../../../plugins/cache/config.ts'
import { TieredCache } from '../../../plugins/cache/engine.ts'
import { RedisConfig } from '../../../plugins/redis/config.ts'
import { connector } from '../../../plugins/redis/connect.ts'
import { RedisConnections } from '../../../plugins/redis/engine.ts'

const ttlMs = 300_000
type Load = () => Promise<unknown>

export interface Contestant extends AsyncDisposable {
  /** Awaited by whoever calls; a value at hand may be given as it is. */
  getOrSet(key: string, load: Load): unknown
  /** Resolves when Redis has what was loaded. */
  settled?(): Promise<unknown>
}
export interface MakeOptions {
  readonly maxEntries: number
  /** URL; with it there are two tiers. */
  readonly redis?: string
  readonly lock?: boolean
}
export interface Contender {
  readonly name: string
  readonly tiers: number
  /** Its memory can be bounded by entries. */
  readonly bounded: boolean
  /** It can have one process load for all. */
  readonly lock: boolean
  make(options: MakeOptions): Promise<Contestant>
}

const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Logger
const nothing = async () => {}

async function ours({ maxEntries, redis: url, lock }: MakeOptions): Promise<Contestant> {
  const config = CacheConfig.parse({ maxEntries, maxSize: '1GiB', lock: lock ?? false })
  const clock = systemClock
  let redis: RedisConnections | undefined
  if (url !== undefined) {
    redis = new RedisConnections({
      config: RedisConfig.parse({ url }),
      clock,
      log: silent,
      connector,
      onState: () => {},
    })
    await redis.start()
    await redis.call('PING')
  }
  const cache = new TieredCache(config, {
    clock,
    redis,
  })
  await cache.start()
  while (redis !== undefined && cache.stats().bus_generation === 0) await clock.sleep(1)
  return {
    getOrSet: (key, load) => cache.getOrSet(key, load),
    settled: () => clock.sleep(20),
    async [Symbol.asyncDispose]() {
      cache.redis?.stop()
      redis?.stop()
    },
  }
}

async function bentocache({ maxEntries, redis }: MakeOptions): Promise<Contestant> {
  let store = bentostore().useL1Layer(memoryDriver({ maxItems: maxEntries, serialize: redis !== undefined }))
  if (redis !== undefined) {
    const { hostname: host, port } = new URL(redis)
    const connection = { host, port: Number(port) }
    store = store.useL2Layer(redisDriver({ connection })).useBus(redisBusDriver({ connection }))
  }
  const bento = new BentoCache({ default: 'all', ttl: ttlMs, stores: { all: store } })
  return {
    getOrSet: (key, factory) => bento.getOrSet({ key, factory }),
    [Symbol.asyncDispose]: () => bento.disconnectAll(),
  }
}

async function cacheable({ maxEntries, redis }: MakeOptions): Promise<Contestant> {
  const primary = new CacheableKeyv({ store: new KeyvCacheableMemory({ lruSize: maxEntries, useClone: false }) })
  const secondary = redis === undefined ? undefined : new KeyvRedis(redis)
  const cache = new Cacheable({ primary, ...(secondary && { secondary: secondary as never }), ttl: ttlMs })
  return {
    getOrSet: (key, load) => cache.getOrSet(key, load),
    settled: () => systemClock.sleep(20),
    async [Symbol.asyncDispose]() {
      await cache.disconnect()
    },
  }
}

async function cacheManager({ maxEntries, redis }: MakeOptions): Promise<Contestant> {
  const memory = new CacheableKeyv({ store: new KeyvCacheableMemory({ lruSize: maxEntries, useClone: false }) })
  const second = redis === undefined ? [] : [new CacheableKeyv({ store: new KeyvRedis(redis) as never })]
  const cache = createCache({ stores: [memory, ...second] as never, ttl: ttlMs })
  return {
    getOrSet: (key, load) => cache.wrap(key, load),
    settled: () => systemClock.sleep(20),
    async [Symbol.asyncDispose]() {
      await cache.disconnect()
    },
  }
}

/** Every contender, ours first. */
export const contenders = (): readonly Contender[] => [
  { name: 'arkwatch', tiers: 2, bounded: true, lock: true, make: ours },
  {
    name: 'lru-cache',
    tiers: 1,
    bounded: true,
    lock: false,
    async make({ maxEntries }) {
      const cache = new LRUCache<string, object>({ max: maxEntries })
      return {
        // No async function: a hit is the look-up and nothing else.
        getOrSet(key, load) {
          const known = cache.get(key)
          if (known !== undefined) return known
          return load().then((loaded) => {
            cache.set(key, loaded as object)
            return loaded
          })
        },
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
  {
    name: 'lru-cache fetch()',
    tiers: 1,
    bounded: true,
    lock: false,
    async make({ maxEntries }) {
      const cache = new LRUCache<string, object>({
        max: maxEntries,
        ttl: ttlMs,
        fetchMethod: (_, __, { context }) => (context as Load)() as Promise<object>,
      })
      return {
        getOrSet: (key, load) => cache.fetch(key, { context: load }),
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
  { name: 'bentocache', tiers: 2, bounded: true, lock: false, make: bentocache },
  { name: 'cacheable', tiers: 2, bounded: true, lock: false, make: cacheable },
  { name: 'cache-manager', tiers: 2, bounded: true, lock: false, make: cacheManager },
  {
    name: 'keyv',
    tiers: 1,
    bounded: false,
    lock: false,
    async make() {
      const cache = new Keyv({ ttl: ttlMs })
      return {
        async getOrSet(key, load) {
          const known = await cache.get(key)
          if (known !== undefined) return known
          const loaded = await load()
          await cache.set(key, loaded)
          return loaded
        },
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
]
