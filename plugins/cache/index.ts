/** The cache: memory and Redis, single flight, invalidation across processes. */
import { definePlugin } from '../../core/plugin.ts'
import { adminRoutes } from '../admin/api.ts'
import { collector } from '../metrics/api.ts'
import { Redis } from '../redis/api.ts'
import { Cache } from './api.ts'
import { cacheCollector } from './collect.ts'
import { CacheConfig } from './config.ts'
import { TieredCache } from './engine.ts'

export default definePlugin({
  api: 1,
  name: 'cache',
  version: '1.0.0',
  summary: 'Caches in memory and Redis, with one load in progress for each key.',
  config: CacheConfig,
  provides: { cache: Cache },
  wants: { redis: Redis },
  setup({ config, clock, wants: { redis }, inherited }) {
    let current = config
    const environment = { clock, redis }
    // One cache lives through all reloads: the service stays valid for applications, and memory stays warm.
    const previous = inherited as TieredCache | undefined
    const cache = previous ?? new TieredCache(config, environment)
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
      start: () => (previous === undefined ? cache.start() : cache.adopt(config, environment)),
      reconfigure(next) {
        current = next
        return cache.configure(next)
      },
      handover: () => ({ state: cache, resume: () => cache.adopt(current, environment) }),
      stop: () => cache.stop(environment),
    }
  },
})
