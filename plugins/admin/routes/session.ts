/** Logging in and out by cookie, and who one is. */
import { createRoute, z } from '@hono/zod-openapi'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { operation, roles } from '../api.ts'
import { adminError } from '../errors.ts'
import type { Gate } from '../guard/gate.ts'
import { secureSessionCookie, sessionCookie } from '../guard/identity.ts'
import type { Sessions } from '../guard/sessions.ts'
import { createApi } from '../http/compose.ts'
import { body, reply } from '../http/reply.ts'
import type { Keyring } from '../keys/keyring.ts'
import { problemAnswer } from '../problem.ts'

const Me = z
  .object({
    name: z.string(),
    role: z.enum(roles),
    scopes: z.array(z.string()),
    csrf: z.string().nullable().describe('Send it as X-CSRF-Token with every change; null without a browser session.'),
  })
  .openapi('Session')

export interface SessionRouteOptions {
  readonly gate: Gate
  readonly keyring: Keyring
  readonly sessions: Sessions
  absoluteMs(): number
}

export function sessionRoutes({ gate, keyring, sessions, absoluteMs }: SessionRouteOptions) {
  const app = createApi()
  const isSecure = (url: string) => url.startsWith('https:')
  const nameOf = (url: string) => (isSecure(url) ? secureSessionCookie : sessionCookie)

  const open = createRoute({
    ...operation({ id: 'session.open', access: 'public', summary: 'Begins a browser session with a key.' }),
    method: 'post',
    path: '/session',
    request: body(z.strictObject({ key: z.string().min(1).max(512) })),
    responses: { 200: reply('The session has begun; its cookie is set.', Me) },
  })
  app.openapi(open, async (c) => {
    const { from, requestId } = c.var
    const principal = keyring.verify(c.req.valid('json').key)
    if (principal === undefined) {
      const { error, headers } = await gate.refuse(c, from, requestId)
      return problemAnswer(error, requestId, headers) as never
    }
    const quota = await gate.countRequest(principal)
    if (!quota.allowed) {
      const details = { name: principal.name, limit: quota.limit, seconds: quota.windowSeconds }
      const headers = { 'retry-after': String(quota.resetSeconds) }
      return problemAnswer(adminError('ADMIN_RATE_LIMITED', details), requestId, headers) as never
    }
    await gate.recordLogin(principal, from, requestId)
    gate.identity.endSession(c)
    const { token, session } = sessions.open(principal)
    setCookie(c, nameOf(c.req.url), token, {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure: isSecure(c.req.url),
      maxAge: Math.floor(absoluteMs() / 1_000),
    })
    const { name, role, scopes } = principal
    return c.json({ name, role, scopes: [...scopes], csrf: session.csrf }, 200)
  })

  const show = createRoute({
    ...operation({ id: 'session.show', access: 'viewer', summary: 'Says who one is.' }),
    method: 'get',
    path: '/session',
    responses: { 200: reply('Who one is.', Me) },
  })
  app.openapi(show, (c) => {
    const { name, role, scopes } = c.var.principal
    return c.json({ name, role, scopes: [...scopes], csrf: c.var.csrf ?? null }, 200)
  })

  const close = createRoute({
    ...operation({ id: 'session.close', access: 'viewer', summary: 'Ends the browser session.' }),
    method: 'delete',
    path: '/session',
    responses: { 204: { description: 'It has ended.' } },
  })
  app.openapi(close, (c) => {
    const token = getCookie(c, nameOf(c.req.url))
    if (token !== undefined) sessions.close(token)
    deleteCookie(c, nameOf(c.req.url), { path: '/', secure: isSecure(c.req.url) })
    return c.body(null, 204)
  })
  return app
}
