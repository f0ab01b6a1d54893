/** Signing sessions: opened with a challenge, read from the cache, confirmed with a signature. */
import { Hono } from 'hono'
import { z } from 'zod'
import { confirm } from '../confirmation.ts'
import type { Gateway } from '../gateway.ts'
import { Refusal } from '../problems.ts'
import { parseBody } from '../request-body.ts'
import { type Session, sessionKey, sessionTypes } from '../session.ts'
import { sha256 } from '../signatures.ts'

const NewSession = z.strictObject({
  user_pubkey: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  session_type: z.enum(sessionTypes),
  intent_data: z.strictObject({ asset_id: z.string().min(1).max(64), amount_sats: z.int().min(1) }),
})
const Confirmation = z.strictObject({ signature: z.string().regex(/^[0-9a-f]{128}$/, 'expected 128 hex digits') })

const sessionMs = 30 * 60_000
const challengeMs = 5 * 60_000

export const sessionRoutes = (gateway: Gateway) =>
  new Hono()
    .post('/', async (c) => {
      const { user_pubkey, session_type, intent_data } = await parseBody(c, NewSession)
      const [sessionId, challengeId, now] = [crypto.randomUUID(), crypto.randomUUID(), new Date()]
      const context = `${session_type} of ${intent_data.amount_sats} sats of ${intent_data.asset_id}`
      const challenge = sha256(JSON.stringify({ sessionId, now, nonce: crypto.randomUUID(), context }))
      const expires = new Date(now.getTime() + sessionMs)
      await gateway.db.begin(async (tx) => {
        const [asset] = await tx`SELECT 1 FROM assets WHERE asset_id = ${intent_data.asset_id} AND is_active`
        if (asset === undefined) throw new Refusal(422, 'Unknown asset', `There is no asset ${intent_data.asset_id}.`)
        await tx`
          INSERT INTO signing_sessions
            (session_id, user_pubkey, session_type, status, intent_data, context, created_at, updated_at, expires_at)
          VALUES (${sessionId}, ${user_pubkey}, ${session_type}, 'challenge_sent', ${intent_data}, ${context},
            ${now}, ${now}, ${expires})`
        await tx`
          INSERT INTO signing_challenges (challenge_id, session_id, challenge_data, context, expires_at, created_at)
          VALUES (${challengeId}, ${sessionId}, ${challenge}, ${context},
            ${new Date(now.getTime() + challengeMs)}, ${now})`
      })
      gateway.metrics.sessionsCreated.inc({ session_type })
      gateway.log(c).info('session created', { sessionId, sessionType: session_type })
      const opened = { challenge_id: challengeId, challenge: challenge.toString('hex'), context, expires_at: expires }
      return c.json({ session_id: sessionId, status: 'challenge_sent', ...opened }, 201)
    })
    .get('/stats', async (c) => {
      const text = 'SELECT status, count(*)::int AS count FROM signing_sessions GROUP BY status ORDER BY status'
      const rows = await gateway.query<{ status: string; count: number }>(text, [], { ttlMs: 2_000 })
      return c.json({ sessions: Object.fromEntries(rows.map(({ status, count }) => [status, count])) })
    })
    .get('/:id', async (c) => {
      const id = c.req.param('id')
      const load = async () => {
        const [row] = await gateway.db.sql<Session>`
          SELECT session_id, user_pubkey, session_type, status, intent_data, result_data, error_message,
            created_at AT TIME ZONE 'UTC' AS created_at, updated_at AT TIME ZONE 'UTC' AS updated_at,
            expires_at AT TIME ZONE 'UTC' AS expires_at
          FROM signing_sessions WHERE session_id = ${id}`.options({ idempotent: true })
        return row ?? null
      }
      // What is not there may come: it is remembered for a moment, against those who ask again and again.
      const options = { ttlMs: 3_600_000, negativeTtlMs: 1_000, hardTimeoutMs: 3_000 }
      const session = await gateway.cache.getOrSet(sessionKey(id), load, options)
      if (session === null) throw new Refusal(404, 'Not found', `There is no session ${id}.`)
      return c.json(session)
    })
    .post('/:id/confirm', async (c) => {
      const { signature } = await parseBody(c, Confirmation)
      const result = await confirm(gateway, c.req.param('id'), signature)
      gateway.log(c).info('session confirmed', { sessionId: c.req.param('id'), ...result })
      return c.json(result)
    })
