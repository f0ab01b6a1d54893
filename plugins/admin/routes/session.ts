/** Logging in and out by cookie, and the caller of a request. */
import { z } from '@hono/zod-openapi'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { type Principal, roles } from '../api.ts'
import type { Gate } from '../guard/gate.ts'
import { secureSessionCookie, sessionCookie } from '../guard/identity.ts'
import type { Sessions } from '../guard/sessions.ts'
import { body, reply } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import type { Keyring } from '../keys/keyring.ts'

const Me = z
  .object({
    name: z.string(),
    role: z.enum(roles),
    scopes: z.array(z.string()),
    csrf: z.string().nullable().describe('The value of X-CSRF-Token for every change; null without a browser session.'),
  })
  .openapi('Session')

const shown = ({ name, role, scopes }: Principal, csrf: string | undefined) => {
  return { name, role, scopes: [...scopes], csrf: csrf ?? null }
}

export interface SessionRouteOptions {
  readonly gate: Gate
  readonly keyring: Keyring
  readonly sessions: Sessions
  /** Milliseconds after which a session ends in any case. */
  readonly sessionMs: number
}

export function sessionRoutes({ gate, keyring, sessions, sessionMs }: SessionRouteOptions) {
  const { app, route } = createRoutes()
  const isSecure = (url: string) => url.startsWith('https:')
  const nameOf = (url: string) => (isSecure(url) ? secureSessionCookie : sessionCookie)

  route(
    'post /session',
    'Begins a browser session with a key.',
    { id: 'session.open', access: 'public' },
    {
      ...body(z.strictObject({ key: z.string().min(1).max(512) })),
      200: reply('The session has begun; its cookie is set.', Me),
    },
    async (c) => {
      const { from, requestId } = c.var
      const principal = keyring.verify(c.req.valid('json').key)
      if (principal === undefined) throw await gate.refuse(c, from, requestId)
      const { error } = await gate.countRequest(principal)
      if (error !== undefined) throw error
      await gate.recordLogin(principal, from, requestId)
      gate.identity.endSession(c)
      const { token, session } = sessions.open(principal)
      setCookie(c, nameOf(c.req.url), token, {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: isSecure(c.req.url),
        maxAge: Math.floor(sessionMs / 1_000),
      })
      return shown(principal, session.csrf)
    },
  )

  route(
    'get /session',
    'Shows the name, role and scopes of the caller.',
    { id: 'session.show', access: 'viewer' },
    { 200: reply('The caller.', Me) },
    (c) => shown(c.var.principal, c.var.csrf),
  )

  route(
    'delete /session',
    'Ends the browser session.',
    { id: 'session.close', access: 'viewer' },
    { 204: { description: 'The session has ended.' } },
    (c) => {
      const token = getCookie(c, nameOf(c.req.url))
      if (token !== undefined) sessions.close(token)
      deleteCookie(c, nameOf(c.req.url), { path: '/', secure: isSecure(c.req.url) })
      return c.body(null, 204)
    },
  )
  return app
}
