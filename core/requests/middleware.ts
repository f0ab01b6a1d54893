/** The request hooks as a Hono middleware. Uses only Hono's public API. */
import type { Context, MiddlewareHandler } from 'hono'
import { type HonoRoute, isHonoRoute } from './routes/hono-routes.ts'
import { RouteEntries } from './routes/route-entries.ts'
import type { RouteTable } from './routes/route-table.ts'
import type { Traffic } from './traffic.ts'
import { closeScope, failScope, openScope, reportError, within } from './wrap-scoped.ts'

export type RequestMiddleware = MiddlewareHandler

/** @returns a middleware to register first */
export function createMiddleware(traffic: Traffic, table: RouteTable): RequestMiddleware {
  const entries = new RouteEntries(table)
  const entryOf = ({ req }: Context) => {
    const matched = (req as { matchedRoutes?: readonly HonoRoute[] }).matchedRoutes ?? []
    return entries.ofRoutes(matched.filter(isHonoRoute), req.method)
  }
  const answered = (context: Context) => (context.finalized ? context.res : new Response(null, { status: 404 }))

  const scoped = async (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    const scope = openScope(traffic, context.req.raw)
    const early = within(traffic, scope, () => traffic.hooks.runOnRequest(scope, () => false))
    if (early !== undefined) {
      closeScope(traffic, scope, entryOf(context), early)
      return early
    }
    scope.entry = entryOf(context)
    try {
      await within(traffic, scope, next)
    } catch (error) {
      failScope(traffic, scope, scope.entry, error)
      throw error
    }
    if (context.error !== undefined) reportError(traffic, scope, context.error)
    closeScope(traffic, scope, scope.entry, answered(context))
    return undefined
  }

  return async function arkwatch(context, next) {
    if (traffic.scoped) return scoped(context, next)
    const startedMs = traffic.now()
    traffic.active += 1
    let status = 500
    try {
      await next()
      status = answered(context).status
    } finally {
      traffic.end(entryOf(context), status, startedMs, context.req.raw)
    }
    return undefined
  }
}
