/** Keys: list, make, rotate, revoke. */
import { z } from '@hono/zod-openapi'
import { roles } from '../api.ts'
import { body, idParam, iso, isoOrNull, nullableTime, reply, time } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import { type KeyInfo, keyDays, newKeyFields } from '../keys/key.ts'
import type { Keyring } from '../keys/keyring.ts'

const Key = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    scopes: z.array(z.string()),
    source: z.enum(['store', 'config', 'file']),
    created_at: time,
    expires_at: nullableTime,
    last_used_at: nullableTime,
  })
  .openapi('Key')
const MadeKey = Key.extend({ key: z.string().describe('The text of the key, shown this once.') }).openapi('MadeKey')

const shown = ({ id, name, role, scopes, source, createdAtMs, expiresAtMs, lastUsedAtMs }: KeyInfo) => {
  const ends = { expires_at: isoOrNull(expiresAtMs), last_used_at: isoOrNull(lastUsedAtMs) }
  return { id, name, role, scopes: [...scopes], source, created_at: iso(createdAtMs), ...ends }
}

const dayMs = 86_400_000
const NewKey = z.strictObject({ ...newKeyFields, expires_in_days: keyDays })

export function keyRoutes(keyring: Keyring, now: () => number) {
  const { app, route } = createRoutes()
  route(
    'get /keys',
    'Lists the keys, without the keys themselves.',
    { id: 'keys.list', access: 'admin', sensitive: true },
    { 200: reply('The keys.', z.object({ keys: z.array(Key) })) },
    () => ({ keys: keyring.list().map(shown) }),
  )
  route(
    'post /keys',
    'Makes a key.',
    { id: 'keys.create', access: 'admin' },
    { ...body(NewKey), 201: reply('The key was made.', MadeKey) },
    async (c) => {
      const { name, role, scopes, expires_in_days: days } = c.req.valid('json')
      const expires = days === undefined ? {} : { expiresAtMs: Math.round(now() + days * dayMs) }
      const { key, info } = await keyring.create({ name, role, scopes, ...expires })
      Object.assign(c.var.note, { target: info.id, after: shown(info) })
      return { ...shown(info), key }
    },
  )
  route(
    'post /keys/{id}/rotate',
    'Makes a key that takes over from another one; both are valid for a while.',
    { id: 'keys.rotate', access: 'admin' },
    {
      params: z.object({ id: idParam('Id of the key that is to end.') }),
      ...body(
        z.strictObject({
          grace_hours: z.number().min(0).max(720).default(24).describe('How long the old key stays valid.'),
        }),
      ),
      201: reply('The key that takes over.', MadeKey),
    },
    async (c) => {
      const { key, info } = await keyring.rotate(c.req.valid('param').id, c.req.valid('json').grace_hours * 3_600_000)
      Object.assign(c.var.note, { after: shown(info) })
      return { ...shown(info), key }
    },
  )
  route(
    'delete /keys/{id}',
    'Ends a key and its browser sessions immediately.',
    { id: 'keys.revoke', access: 'admin' },
    { params: z.object({ id: idParam('Id of the key.') }), 204: { description: 'The key is no longer valid.' } },
    async (c) => {
      const info = await keyring.revoke(c.req.valid('param').id)
      Object.assign(c.var.note, { before: shown(info) })
      return c.body(null, 204)
    },
  )
  return app
}
