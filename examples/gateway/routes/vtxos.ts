/** The inventory of VTXOs: read from the cache, filled up by a job. */
import { Hono } from 'hono'
import { z } from 'zod'
import type { Gateway } from '../gateway.ts'
import { type Inventory, inventoryStatus, replenishmentOf } from '../inventory.ts'
import { Refusal } from '../problems.ts'
import { parseBody } from '../request-body.ts'

const Order = z.strictObject({
  count: z.int().min(1).max(10_000).optional(),
  amount_sats: z.int().min(1_000).default(10_000),
})
const vtxoMs = 24 * 3_600_000

async function countVtxos(gateway: Gateway, assetId: string): Promise<Inventory | null> {
  const [row] = await gateway.db.sql<Inventory & { known: boolean }>`
    SELECT count(v.id)::int AS total, count(*) FILTER (WHERE v.status = 'available')::int AS available,
      count(*) FILTER (WHERE v.status = 'assigned')::int AS assigned,
      EXISTS (SELECT 1 FROM assets WHERE asset_id = ${assetId}) AS known
    FROM vtxos v WHERE v.asset_id = ${assetId}`.options({ idempotent: true })
  return row?.known ? { total: row.total, available: row.available, assigned: row.assigned } : null
}

const unknown = (assetId: string) => new Refusal(404, 'Not found', `There is no asset ${assetId}.`)

export const vtxoRoutes = (gateway: Gateway) =>
  new Hono()
    .get('/inventory/:asset', async (c) => {
      const asset = c.req.param('asset')
      const options = { ttlMs: 30_000, negativeTtlMs: 1_000, tags: [`vtxos:${asset}`], hardTimeoutMs: 3_000 }
      const inventory = await gateway.cache.getOrSet(`vtxos:${asset}`, () => countVtxos(gateway, asset), options)
      if (inventory === null) throw unknown(asset)
      return c.json({ inventory_status: inventoryStatus(asset, inventory) })
    })
    .post('/inventory/:asset/replenish', async (c) => {
      const asset = c.req.param('asset')
      const { count, amount_sats } = await parseBody(c, Order)
      const before = await countVtxos(gateway, asset)
      if (before === null) throw unknown(asset)
      const created = count ?? replenishmentOf(before)
      if (created === 0) return c.json({ job_id: null, created })
      const [now, startedMs] = [new Date(), performance.now()]
      const jobId = `vtxo_replenishment_${asset}_${crypto.randomUUID()}`
      try {
        await gateway.db.begin(async (tx) => {
          await tx`
            INSERT INTO vtxos
              (vtxo_id, txid, vout, amount_sats, script_pubkey, asset_id, user_pubkey, status, created_at, expires_at)
            SELECT replace(gen_random_uuid()::text, '-', ''), ${jobId.slice(-36)}, n - 1, ${amount_sats}, '\\x51', ${asset},
              '', 'available', ${now}, ${new Date(now.getTime() + vtxoMs)}
            FROM generate_series(1, ${created}::int) AS n`
          await tx`
            INSERT INTO job_logs (job_type, job_id, status, message, created_at, updated_at, duration_seconds)
            VALUES ('vtxo_replenishment', ${jobId}, 'completed', ${`${created} VTXOs of ${asset}`},
              ${now}, ${new Date()}, ${(performance.now() - startedMs) / 1_000})`
        })
      } finally {
        await Promise.all([`vtxos:${asset}`, 'jobs'].map((tag) => gateway.cache.invalidateTag(tag)))
      }
      gateway.metrics.vtxosCreated.inc({ asset_id: asset }, created)
      gateway.log(c).info('inventory replenished', { asset, created, jobId })
      return c.json({ job_id: jobId, created }, 201)
    })
