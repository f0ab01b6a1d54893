/** The confirmation of a session: its challenge is signed, a VTXO is assigned, a transaction is recorded. */
import type { Session as Transaction } from 'arkwatch/pool'
import type { Gateway } from './gateway.ts'
import { Refusal } from './problems.ts'
import { type Session, sessionKey } from './session.ts'
import { isSignedBy, sha256 } from './signatures.ts'

export interface Confirmed {
  readonly session_id: string
  readonly status: 'completed'
  readonly txid: string
  readonly vtxo_id: string
}

interface Found extends Pick<Session, 'user_pubkey' | 'session_type' | 'status' | 'intent_data' | 'result_data'> {
  readonly challenge_data: Uint8Array
  readonly signature: Uint8Array | null
  readonly expired: boolean
}

/**
 * Safe to repeat with the same signature: the first answer is given again.
 * @throws Refusal; what the pool throws, after which it may have been confirmed
 */
export async function confirm(gateway: Gateway, sessionId: string, signature: string): Promise<Confirmed> {
  const startedMs = performance.now()
  let assetId: string | undefined
  try {
    const outcome = await gateway.db.begin(async (tx) => {
      const found = await lockSession(tx, sessionId)
      assetId = found.intent_data.asset_id
      if (!isSignedBy(found.user_pubkey, found.challenge_data, signature))
        throw new Refusal(
          422,
          'Wrong signature',
          'The signature is not one of the challenge by the user of the session.',
        )
      if (found.result_data !== null) return { found, result: found.result_data, isNew: false }
      if (found.expired) {
        await tx`UPDATE signing_sessions SET status = 'expired', updated_at = ${new Date()} WHERE session_id = ${sessionId}`
        return { found, result: undefined, isNew: false }
      }
      const result = await assign(tx, sessionId, found, signature)
      const seconds = (performance.now() - startedMs) / 1_000
      await tx`
        INSERT INTO job_logs (job_type, job_id, status, message, result_data, created_at, updated_at, duration_seconds)
        VALUES (${`user_${found.session_type}`}, ${crypto.randomUUID()}, 'completed', ${`session ${sessionId}`},
          ${JSON.stringify(result)}, ${new Date()}, ${new Date()}, ${seconds})`
      return { found, result, isNew: true }
    })
    const { result, found, isNew } = outcome
    if (result === undefined)
      throw new Refusal(410, 'Session expired', `Session ${sessionId} or its challenge is over.`)
    if (isNew) {
      gateway.metrics.vtxosAssigned.inc({ asset_id: found.intent_data.asset_id })
      gateway.metrics.transactionsProcessed.inc({ transaction_type: found.session_type, status: 'pending' })
    }
    return { session_id: sessionId, status: 'completed', ...result }
  } finally {
    // Also after an error: whether the server committed is not known then.
    const tags = assetId === undefined ? [] : [`vtxos:${assetId}`, 'jobs']
    await Promise.all([
      gateway.cache.delete(sessionKey(sessionId)),
      ...tags.map((tag) => gateway.cache.invalidateTag(tag)),
    ])
  }
}

async function lockSession(tx: Transaction, sessionId: string): Promise<Found> {
  const now = new Date()
  const [found] = await tx<Found>`
    SELECT s.user_pubkey, s.session_type, s.status, s.intent_data, s.result_data, c.challenge_data, c.signature,
      s.expires_at <= ${now} OR c.expires_at <= ${now} AS expired
    FROM signing_sessions s JOIN signing_challenges c ON c.session_id = s.session_id
    WHERE s.session_id = ${sessionId} FOR UPDATE OF s`
  if (found === undefined) throw new Refusal(404, 'Not found', `There is no session ${sessionId}.`)
  return found
}

/** Takes the smallest VTXO that is enough. Others who look at the same time take another one. */
async function assign(tx: Transaction, sessionId: string, session: Found, signature: string) {
  const { asset_id, amount_sats } = session.intent_data
  const now = new Date()
  const [vtxo] = await tx<{ vtxo_id: string }>`
    SELECT vtxo_id FROM vtxos
    WHERE asset_id = ${asset_id} AND status = 'available' AND amount_sats >= ${amount_sats} AND expires_at > ${now}
    ORDER BY amount_sats, id LIMIT 1 FOR UPDATE SKIP LOCKED`
  if (vtxo === undefined)
    throw new Refusal(409, 'No VTXO available', `No VTXO of ${asset_id} with ${amount_sats} sats is available.`)
  const result = { txid: sha256(sessionId, signature).toString('hex'), vtxo_id: vtxo.vtxo_id }
  await tx`UPDATE vtxos SET status = 'assigned', user_pubkey = ${session.user_pubkey} WHERE vtxo_id = ${vtxo.vtxo_id}`
  await tx`
    UPDATE signing_challenges SET is_used = true, signature = ${Buffer.from(signature, 'hex')}
    WHERE session_id = ${sessionId}`
  await tx`
    INSERT INTO transactions (txid, session_id, tx_type, raw_tx, status, amount_sats, fee_sats, created_at)
    VALUES (${result.txid}, ${sessionId}, ${session.session_type}, '', 'pending', ${amount_sats}, 0, ${now})`
  await tx`
    UPDATE signing_sessions SET status = 'completed', result_data = ${result}, updated_at = ${now}
    WHERE session_id = ${sessionId}`
  return result
}
