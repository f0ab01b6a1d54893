/** Pool: bounded and measured connections to PostgreSQL. */
import { definePlugin } from '../../core/plugin.ts'
import { adminRoutes } from '../admin/api.ts'
import { healthCheck } from '../health/api.ts'
import { collector } from '../metrics/api.ts'
import { Pools } from './api.ts'
import { PoolMetrics, poolCheck, poolCheckName } from './collect.ts'
import { poolCommands } from './commands.ts'
import { PoolConfig, poolPresets } from './config.ts'
import { NamedPools, unconfiguredReason } from './engine.ts'
import type { ForeignPool } from './foreign/foreign-pool.ts'
import { SqlPool } from './sql-pool.ts'

export default definePlugin({
  api: 1,
  name: 'pool',
  version: '1.0.0',
  summary: 'Lends connections to PostgreSQL in order and within limits, and says who holds them.',
  config: PoolConfig,
  presets: poolPresets,
  provides: { pools: Pools },
  packages: ['postgres'],
  deadlines: { start: 60_000 },
  offers: ({ pools }) => ({ [healthCheck.id]: ['default', ...Object.keys(pools)].map(poolCheckName) }),
  unconfigured: unconfiguredReason,
  setup({ config, clock, log, contribute, report }) {
    const metrics = new PoolMetrics()
    const opened = (pool: SqlPool | ForeignPool) => {
      const undo = [metrics.add(pool)]
      if (pool instanceof SqlPool) undo.push(contribute(healthCheck(poolCheck(pool))))
      return () => undo.forEach((each) => void each())
    }
    const pools = new NamedPools(config, clock, log, opened, report)
    return {
      services: { pools },
      contributes: [
        collector(metrics.collector),
        adminRoutes({
          path: '/admin/pool',
          app: async () => (await import('./admin-routes.ts')).poolAdminRoutes(pools),
        }),
        ...poolCommands(pools),
      ],
      ...(config.requestContext && { hooks: { context: true } }),
      start: () => pools.start(),
      reconfigure: (next) => pools.reconfigure(next),
      stop: () => pools.stop(),
    }
  },
})
