/** The cache: memory and Redis, one load for all who ask, invalidation across processes. */
import { definePlugin } from '../../core/plugin.ts'
import { adminRoutes } from '../admin/api.ts'
import { collector } from '../metrics/api.ts'
import { Redis } from '../redis/api.ts'
import { Cache } from './api.ts'
import { cacheCollector } from './collect.ts'
import { CacheConfig } from './config.ts'
import { type Ground, TieredCache } from './engine.ts'
import { RedisTier } from './redis/redis-tier.ts'

export default definePlugin({
  api: 1,
  name: 'cache',
  version: '1.0.0',
  summary: 'Caches in memory and Redis, loads once for all who ask.',
  config: CacheConfig,
  provides: { cache: Cache },
  wants: { redis: Redis },
  setup({ config, clock, wants: { redis }, inherited }) {
    let current = config
    const ground: Ground = {
      clock,
      ...(redis && {
        redis: (settings, onInvalidation) => new RedisTier({ redis, settings, clock, onInvalidation }),
        info: () => redis.info(),
      }),
    }
    // One cache lives through reloads: what applications hold of it stays good, and memory stays warm.
    const before = inherited as TieredCache | undefined
    const cache = before ?? new TieredCache(config, ground)
    return {
      services: { cache },
      contributes: [
        collector(cacheCollector(cache)),
        adminRoutes({
          path: '/',
          app: async () => (await import('./admin-routes.ts')).cacheStatsRoutes(cache, clock.now),
        }),
        adminRoutes({
          path: '/admin/cache',
          app: async () => (await import('./admin-routes.ts')).cacheAdminRoutes(cache),
        }),
      ],
      start: () => (before === undefined ? cache.start() : cache.move(config, ground)),
      reconfigure(next) {
        current = next
        return cache.configure(next)
      },
      handover: () => ({ state: cache, resume: () => cache.move(current, ground) }),
      stop: () => cache.leave(ground),
    }
  },
})
