/** How a wrapped application says which route a request took. */
import type { Route } from '../request.ts'
import type { Scope } from './request-scope.ts'
import type { RouteTable } from './route-table.ts'

/** The route of a request, before its status is known. */
export class RouteEntry {
  readonly route: Route
  /** The route where the status is 404: `__unmatched` if nothing but middleware matched. */
  readonly notFound: Route
  readonly id: number
  readonly notFoundId: number
  #head: RouteEntry | undefined

  /**
   * @param method as dispatched
   * @param terminal whether a handler matched, and not only middleware
   * @param open whether nothing but a bare catch-all matched, so that mounted paths may be looked for
   */
  constructor(
    private readonly table: RouteTable,
    readonly method: string,
    private readonly pattern: string,
    private readonly terminal: boolean,
    readonly open: boolean,
  ) {
    this.route = table.find(method, pattern)
    this.notFound = terminal ? this.route : table.unmatched(method)
    this.id = this.route.id
    this.notFoundId = this.notFound.id
  }

  /** The same for HEAD, which Hono dispatches as GET. */
  get head(): RouteEntry {
    this.#head ??= new RouteEntry(this.table, 'HEAD', this.pattern, this.terminal, this.open)
    return this.#head
  }
}

/** The entry to report for an asynchronous answer: Hono dispatches HEAD as GET, and always asynchronously. */
export const entryOfAsync = (entry: RouteEntry, request: Request): RouteEntry =>
  entry.method === 'GET' && request.method === 'HEAD' ? entry.head : entry

/** Anything that answers requests. `undefined` is the answer of an upgraded WebSocket. */
export type AnyFetch = (
  request: Request,
  env?: unknown,
  context?: unknown,
) => Response | undefined | Promise<Response | undefined>

/**
 * What the wrapper shares with the route finder. While `armed`, the first match that the router makes is the match of the
 * request under way; its entry is left in `entry`.
 */
export class RouteSource {
  armed = false
  entry: RouteEntry | undefined = undefined
  /** The scope of the request under way, if it has one. */
  scope: Scope | undefined = undefined

  /** What is called in place of the application. */
  instead: AnyFetch | undefined = undefined

  /**
   * @param application a constant, so that its code is joined with the wrapper's
   * @param resolve finds the entry of a request for which the router made no match; never throws
   */
  constructor(
    readonly application: AnyFetch,
    public resolve: (request: Request) => RouteEntry,
  ) {}
}
