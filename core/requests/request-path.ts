/** The request path: wraps applications so that the plugins' hooks see every request. */
import type { Clock } from '../contract/clock.ts'
import type { Logger } from '../contract/logger.ts'
import { systemClock } from '../process/clock.ts'
import { HookSet, type OwnedHooks } from './hook-set.ts'
import { createMiddleware } from './middleware.ts'
import type { Mount } from './mount.ts'
import { scopeOf } from './request-scope.ts'
import { learnRoutes } from './routes/learn-route.ts'
import { RouteEntry } from './routes/route-entry.ts'
import type { HonoLike } from './routes/route-matcher.ts'
import { type AnyFetch, RouteSource } from './routes/route-source.ts'
import { RouteTable, unmatchedPattern } from './routes/route-table.ts'
import { Traffic } from './traffic.ts'
import { wrapFetch } from './wrap-fetch.ts'
import { reportError } from './wrap-scoped.ts'

interface RequestPathOptions {
  readonly log: Logger
  readonly clock?: Pick<Clock, 'monotonic' | 'after'>
  readonly maxRoutes?: number
}

type HonoFetch = (request: Request, env?: unknown, context?: unknown) => Response | Promise<Response>

/** Whether a plugin of Arkwatch answers at a path. */
export type IsOwn = (method: string, path: string) => boolean

export type RequestPath = ReturnType<typeof createRequestPath>

export function createRequestPath({ log, clock = systemClock, maxRoutes }: RequestPathOptions) {
  const table = new RouteTable(maxRoutes)
  const hooks = new HookSet(clock, log)
  const traffic = new Traffic(hooks, table, clock)
  const failed = (request: Request, error: unknown) => {
    // Of the hooks in force as the request began.
    const scope = scopeOf(request)
    if (scope !== undefined) reportError(traffic, scope, error)
  }
  let own: IsOwn = () => false
  return {
    /**
     * Replaces all hooks. Errors go to `failed`; a hook that throws ten times in a row is removed.
     * @param isOwn where no hook may answer
     */
    setHooks(owned: readonly OwnedHooks[], isOwn: IsOwn = () => false) {
      traffic.flush()
      hooks.replace(owned)
      own = isOwn
    },
    isOwn: ((method, path) => own(method, path)) as IsOwn,
    /** Notifies observers of ended requests immediately, without waiting for the batch. */
    flush: () => traffic.flush(),
    /** @returns the application's `fetch`, observed. Routes may still be added until the first request. */
    wrapHono: (app: HonoLike, mount?: Mount, isOwn?: RouteSource['isOwn']) =>
      wrapFetch(learnRoutes(app, { table, log, mount, isOwn, failed }), traffic) as HonoFetch,
    /** @param routeOf the route template of a request; undefined for none */
    wrapFetch<F>(fetch: F, routeOf: (request: Request) => string | undefined, mount?: Mount): F {
      const template = (request: Request) => {
        try {
          return routeOf(request)
        } catch (error) {
          log.warn('the function that gives routes threw', { error })
          return undefined
        }
      }
      const entries: RouteEntry[] = []
      const source = new RouteSource(fetch as AnyFetch, (request) => {
        const { id, method, pattern } = table.find(request.method, template(request) ?? unmatchedPattern)
        entries[id] ??= new RouteEntry(table, method, pattern, true)
        return entries[id]
      })
      source.interceptor = mount?.interceptor(source)
      source.isOwn = (request) => mount?.isOwn(request) === true
      return wrapFetch(source, traffic) as F
    },
    /** The middleware form of `wrapHono`. Register the middleware first. */
    middleware: () => createMiddleware(traffic, table),
    active: () => traffic.active,
    hookMs: (plugin: string) => hooks.hookMs(plugin),
    table,
  }
}
