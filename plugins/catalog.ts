/** The plugins that come with Arkwatch, each imported only when config.yaml names it. */
import type { Catalog } from '../core/plugin.ts'

export const catalog: Catalog = {
  logging: () => import('./logging/index.ts'),
  metrics: () => import('./metrics/index.ts'),
  host: () => import('./host/index.ts'),
  health: () => import('./health/index.ts'),
  store: () => import('./store/index.ts'),
  audit: () => import('./audit/index.ts'),
  admin: () => import('./admin/index.ts'),
  redis: () => import('./redis/index.ts'),
  cache: () => import('./cache/index.ts'),
  pool: () => import('./pool/index.ts'),
}
