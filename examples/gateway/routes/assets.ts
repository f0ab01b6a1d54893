/** The list of assets: whole answers are cached, and browsers are answered 304. */
import { httpCache } from 'arkwatch/cache'
import { Hono } from 'hono'
import type { Gateway } from '../gateway.ts'

export const assetRoutes = (gateway: Gateway) =>
  new Hono().get(
    '/',
    httpCache(() => gateway.cache, { ttlMs: 60_000, tags: ['assets'] }),
    async (c) => {
      const assets = await gateway.db.sql`
      SELECT asset_id, name, ticker, asset_type, decimal_places, total_supply::float8 AS total_supply
      FROM assets WHERE is_active ORDER BY asset_id`.options({ idempotent: true })
      return c.json({ assets })
    },
  )
