/** Pool: bounded and measured connections to PostgreSQL. */
import { controlCommand, definePlugin } from '../../core/plugin.ts'
import { adminRoutes } from '../admin/api.ts'
import { healthCheck } from '../health/api.ts'
import { collector } from '../metrics/api.ts'
import { Pools } from './api.ts'
import { poolCheck, poolCollector } from './collect.ts'
import { PoolConfig } from './config.ts'
import { NamedPools, unconfiguredReason } from './pools.ts'

export default definePlugin({
  api: 1,
  name: 'pool',
  version: '1.0.0',
  summary: 'Lends connections to PostgreSQL in order and within limits, and says who holds them.',
  config: PoolConfig,
  provides: { pools: Pools },
  packages: ['postgres'],
  unconfigured: unconfiguredReason,
  setup({ config, clock, log }) {
    const pools = new NamedPools(config, clock, log)
    const each = <T>(read: (name: string) => T) => Object.fromEntries(pools.names.map((name) => [name, read(name)]))
    return {
      services: { pools },
      contributes: [
        collector(poolCollector(pools)),
        healthCheck(poolCheck(pools)),
        adminRoutes({
          path: '/admin/pool',
          app: async () => (await import('./admin-routes.ts')).poolAdminRoutes(pools),
        }),
        controlCommand({ name: 'pool', run: () => each((name) => pools.get(name).status()) }),
        controlCommand({ name: 'pool.holders', run: () => each((name) => pools.get(name).holders()) }),
      ],
      start: () => pools.start(),
      stop: () => pools.stop(),
    }
  },
})
