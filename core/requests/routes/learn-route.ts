/**
 * Learns the matched route of a Hono application: a wrapper replaces the router's `match`, and keeps the route entry in
 * the list of handlers that the router returns for a route. Where the router makes new lists, their routes are read.
 */
import { messageOf } from '../../contract/errors.ts'
import { isCatchAll } from '../../contract/foreign/route-conflicts.ts'
import type { Logger } from '../../contract/logger.ts'
import type { Mount } from '../mount.ts'
import { chooseRoute, isTerminal } from './hono-routes.ts'
import { type HandlerList, RouteEntries } from './route-entries.ts'
import type { RouteEntry } from './route-entry.ts'
import { createRouteMatcher, type HonoLike, pathOf } from './route-matcher.ts'
import { type AnyFetch, awaitingMatch, RouteSource } from './route-source.ts'
import type { RouteTable } from './route-table.ts'

type MatchResult = readonly [HandlerList, ...unknown[]]

interface Router {
  match(method: string, path: string): MatchResult
}

/** The internals of Hono that this file uses. */
interface Internals {
  router: Router & { readonly activeRouter?: Router }
  errorHandler?: (error: unknown, context: { req: { raw: Request } }) => unknown
}

/** SmartRouter replaces its own `match` by the bound `match` of the router that it chose. */
const workingRouter = (router: Internals['router']): Router =>
  router.match.name === 'bound match' ? (router.activeRouter ?? router) : router

interface LearnOptions {
  readonly table: RouteTable
  readonly log: Logger
  /** Answers exposed paths for which the application has no route. */
  readonly mount?: Mount
  readonly isOwn?: RouteSource['isOwn']
  /** Called with each error that reaches the application's `onError`. */
  failed(request: Request, error: unknown): void
}

type Learned = HandlerList & { [key: symbol]: RouteEntry | undefined }

/**
 * Wraps the router's `match`. Takes everything as parameters, for the JIT (decision 0007).
 * @param learn finds the entry of a list that is seen for the first time; undefined if Hono's internals are unknown
 */
const learning =
  (
    source: RouteSource,
    router: Router,
    match: Router['match'],
    key: symbol,
    learn: (list: Learned, method: string, path: string) => RouteEntry | undefined,
  ): Router['match'] =>
  (method, path) => {
    const result = match.call(router, method, path)
    if (source.entry !== awaitingMatch) return result
    const list = result[0] as Learned
    let entry = list[key]
    if (entry === undefined || entry.method !== method) {
      source.entry = undefined
      entry = learn(list, method, path)
      if (entry === undefined) return result
    }
    source.entry = entry
    if (source.scope !== undefined) source.scope.entry = entry
    return result
  }

/** @returns a source whose application is `app.fetch`; the application is not touched before the first request */
export function learnRoutes(app: HonoLike, options: LearnOptions): RouteSource {
  const { table, log, mount, failed } = options
  const entries = new RouteEntries(table)
  const matcher = createRouteMatcher(app)
  const source = new RouteSource(app.fetch as AnyFetch, (request) =>
    entries.ofRoutes(matcher(request.method, pathOf(app, request)), request.method),
  )

  /** For unknown internals of Hono: routes come from the public API, with a second match for each request. */
  const fallBack = (error: unknown) => {
    const what = 'this version of Hono is not known, its routes are matched a second time for each request'
    log.warn(what, { reason: messageOf(error) })
  }

  /** Whether the application has a route for a request that is not a bare catch-all. */
  const isRouted = (request: Request) => {
    const route = chooseRoute(matcher(request.method, pathOf(app, request)))
    return route !== undefined && isTerminal(route) && !isCatchAll(route.path)
  }

  source.isOwn = options.isOwn ?? ((request) => mount?.isOwn(request) === true && !isRouted(request))
  source.interceptor = (request) => {
    mount?.yieldTo(app, log)
    source.interceptor = mount?.interceptor(source, isRouted)
    try {
      hook(app as unknown as Internals)
    } catch (error) {
      fallBack(error)
    }
    return source.interceptor?.(request)
  }

  const hook = (internals: Internals) => {
    const { router } = internals
    // The first match builds the router and replaces its `match`.
    router.match('GET', '/')
    const { match: original } = router
    const working = workingRouter(router)
    const { match } = working
    if (!Array.isArray(match.call(working, 'GET', '/')[0])) throw new TypeError('the router gives no handler list')
    const key = Symbol('arkwatch.route')
    let stable = true

    const learn = (list: Learned, method: string, path: string): RouteEntry | undefined => {
      try {
        const entry = entries.ofList(list, method)
        if (stable && list.length > 0 && list[key] === undefined) {
          stable = match.call(working, method, path)[0] === list
          if (stable) list[key] = entry
        }
        return entry
      } catch (error) {
        router.match = original
        fallBack(error)
        return undefined
      }
    }
    const learned = learning(source, working, match, key, learn)
    router.match = learned
    if (router.match !== learned) throw new TypeError('the router cannot be observed')
    const { errorHandler } = internals
    if (typeof errorHandler === 'function') {
      internals.errorHandler = (error, context) => {
        failed(context.req.raw, error)
        return errorHandler.call(internals, error, context)
      }
    }
  }
  return source
}
