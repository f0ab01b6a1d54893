/** Redis: shared connections with deadlines, bounds and a breaker. */
import { definePlugin } from '../../core/plugin.ts'
import { healthCheck } from '../health/api.ts'
import { collector } from '../metrics/api.ts'
import { Redis } from './api.ts'
import { redisCheck, redisCheckName, redisCollector, redisInfoCollector } from './collect.ts'
import { RedisConfig } from './config.ts'
import { connector } from './connect.ts'
import { RedisConnections } from './engine.ts'

export default definePlugin({
  api: 1,
  name: 'redis',
  version: '1.0.0',
  summary: 'Shares connections to Redis between plugins and with the application.',
  config: RedisConfig,
  provides: { redis: Redis },
  packages: ['ioredis'],
  offers: () => ({ [healthCheck.id]: [redisCheckName] }),
  unconfigured: ({ url }) => (url === '' ? 'url is empty' : undefined),
  setup({ config, clock, log, report }) {
    const redis = new RedisConnections({
      config,
      clock,
      log,
      connector,
      onState: (reason) => (reason === undefined ? report('ok') : report('degraded', reason)),
    })
    return {
      services: { redis },
      contributes: [
        healthCheck(redisCheck(redis, config, clock)),
        collector(redisCollector(redis)),
        collector(redisInfoCollector(redis)),
      ],
      start: () => redis.start(),
      stop: () => redis.stop(),
    }
  },
})
