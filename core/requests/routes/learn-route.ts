/**
 * Learns the matched route of a Hono application without touching its routes: by standing before its router's `match` from
 * the first request on. The handler list that the router gives for a route is the same object each time, so what is known of
 * the route hangs on it under a symbol; routers that make new lists are read through the route objects in them.
 */
import { messageOf } from '../../contract/errors.ts'
import type { Logger } from '../../contract/logger.ts'
import type { Mount } from '../mount.ts'
import { type HandlerList, RouteEntries } from './route-entries.ts'
import type { RouteEntry } from './route-entry.ts'
import { createRouteMatcher, type HonoLike, pathOf } from './route-matcher.ts'
import { type AnyFetch, RouteSource } from './route-source.ts'
import type { RouteTable } from './route-table.ts'

type MatchResult = readonly [HandlerList, ...unknown[]]

interface Router {
  match(method: string, path: string): MatchResult
}

/** Hono's internals, as far as they are used here. */
interface Internals {
  router: Router & { readonly activeRouter?: Router }
  errorHandler?: (error: unknown, context: { req: { raw: Request } }) => unknown
}

/**
 * The router that does the work: SmartRouter puts a bound function of it in its own place, `bound match`. Whoever else has
 * put something there is left alone.
 */
const workingRouter = (router: Internals['router']): Router =>
  router.match.name === 'bound match' ? (router.activeRouter ?? router) : router

export interface LearnOptions {
  readonly table: RouteTable
  readonly log: Logger
  /** Paths to answer in the application's place, where it has no route of its own. */
  readonly mount?: Mount
  /** Called with what reaches the application's `onError`. */
  failed(request: Request, error: unknown): void
}

type Learned = HandlerList & { [key: symbol]: RouteEntry | undefined }

/**
 * What stands before the router's `match`. All that it uses are parameters: they stand together, and are known to be set.
 * @param learn finds the entry of a list at the first sight of it; undefined where the internals are not as expected
 */
const learning =
  (
    source: RouteSource,
    router: Router,
    match: Router['match'],
    key: symbol,
    learn: (list: Learned, method: string, path: string) => RouteEntry | undefined,
    mount: Mount | undefined,
  ): Router['match'] =>
  (method, path) => {
    const result = match.call(router, method, path)
    if (source.entry !== null) return result
    const list = result[0] as Learned
    let entry = list[key]
    if (entry === undefined || entry.method !== method) {
      source.entry = undefined
      entry = learn(list, method, path)
      if (entry === undefined) return result
    }
    source.entry = entry
    if (entry.open && mount !== undefined) {
      const own = mount.match(path)
      if (own !== undefined) {
        source.entry = own.entry(method)
        return own.matchResult
      }
    }
    if (source.scope !== undefined) source.scope.entry = entry
    return result
  }

/** @returns a source whose `fetch` is the application's; nothing of the application is touched before the first request */
export function learnRoutes(app: HonoLike, options: LearnOptions): RouteSource {
  const { table, log, mount, failed } = options
  const entries = new RouteEntries(table)
  const matcher = createRouteMatcher(app)
  const application = app.fetch as AnyFetch
  const source = new RouteSource(application, (request) =>
    entries.ofRoutes(matcher(request.method, pathOf(app, request)), request.method),
  )

  /** Where the internals are not as expected: routes by the public API, with a second match for each request. */
  const fallBack = (error: unknown) => {
    log.warn('this version of Hono is not known, its routes are matched a second time for each request', {
      reason: messageOf(error),
    })
    source.instead = mount?.before(application, source)
  }

  const begin = () => {
    source.instead = undefined
    mount?.yieldTo(app, log)
    try {
      hook(app as unknown as Internals)
    } catch (error) {
      fallBack(error)
    }
  }
  source.instead = (request, env, context) => {
    begin()
    return (source.instead ?? application)(request, env, context)
  }

  const hook = (internals: Internals) => {
    const { router } = internals
    // The first match builds the router and puts another function in its place.
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
    const learned = learning(source, working, match, key, learn, mount)
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
