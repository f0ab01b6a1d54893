/** Transactions by id, from the cache. */
import { Hono } from 'hono'
import type { Gateway } from '../gateway.ts'
import { Refusal } from '../problems.ts'

export interface TransactionRow {
  readonly txid: string
  readonly session_id: string | null
  readonly tx_type: string
  readonly status: string
  readonly amount_sats: number
  readonly fee_sats: number | null
  readonly created_at: Date
  readonly confirmed_at: Date | null
  readonly block_height: number | null
}

export const transactionRoutes = (gateway: Gateway) =>
  new Hono().get('/:txid', async (c) => {
    // A bigint comes as a string: no amount in satoshi is too large for a double.
    const load = async (txid: string) => {
      const [row] = await gateway.db.sql<TransactionRow>`
        SELECT txid, session_id, tx_type, status, amount_sats::float8 AS amount_sats, fee_sats::float8 AS fee_sats,
          created_at AT TIME ZONE 'UTC' AS created_at, confirmed_at AT TIME ZONE 'UTC' AS confirmed_at, block_height
        FROM transactions WHERE txid = ${txid}`.options({ idempotent: true })
      return row ?? null
    }
    const txid = c.req.param('txid')
    const options = { ttlMs: 60_000, negativeTtlMs: 1_000, hardTimeoutMs: 3_000 }
    const transaction = await gateway.cache.getOrSet(`transaction:${txid}`, () => load(txid), options)
    if (transaction === null) throw new Refusal(404, 'Not found', `There is no transaction ${txid}.`)
    return c.json(transaction)
  })
