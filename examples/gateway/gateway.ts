/** What the routes of the gateway work with. */

import type { Arkwatch, Logger } from 'arkwatch'
import { Cache, type CachedQuery, cachedQuery } from 'arkwatch/cache'
import { Metrics } from 'arkwatch/metrics'
import { type Pool, Pools } from 'arkwatch/pool'
import { Redis } from 'arkwatch/redis'
import type { Context } from 'hono'
import { type BusinessMetrics, businessMetrics } from './business-metrics.ts'

export interface Gateway {
  readonly db: Pool
  readonly cache: Cache
  readonly redis: Redis
  /** Rows of a statement that only reads, from the cache. */
  readonly query: CachedQuery
  readonly metrics: BusinessMetrics
  /** A logger whose lines carry the id of the request. */
  log(context: Context): Logger
}

/** Services are looked up when they are used: a reload of the configuration may replace the plugin behind one. */
export function createGateway(ops: Arkwatch): Gateway {
  const metrics = businessMetrics(ops.service(Metrics))
  const query = cachedQuery(
    () => ops.service(Cache),
    () => ops.service(Pools).get(),
  )
  return {
    get db() {
      return ops.service(Pools).get()
    },
    get cache() {
      return ops.service(Cache)
    },
    get redis() {
      return ops.service(Redis)
    },
    query,
    metrics,
    log: (context) => ops.log(context, 'gateway'),
  }
}
