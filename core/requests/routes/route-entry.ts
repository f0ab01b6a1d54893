/** The route of a request in progress. */
import type { Route } from '../../contract/request-hooks.ts'
import { type RouteTable, statuses } from './route-table.ts'

/** The route of a request, before its status is known. What each request reads comes first, as in {@link Traffic}. */
export class RouteEntry {
  /** As dispatched. */
  readonly method: string
  /** Whether nothing but a bare catch-all matched, so that mounted paths may be looked for. */
  readonly open: boolean
  /** What is kept of the route when a request has ended, to which the status is added. */
  readonly code: number
  readonly notFoundCode: number
  readonly route: Route
  /** The route where the status is 404: `__unmatched` if nothing but middleware matched. */
  readonly notFound: Route
  private readonly makeHead: () => RouteEntry
  private madeHead: RouteEntry | undefined

  /** @param terminal whether a handler matched, and not only middleware */
  constructor(table: RouteTable, method: string, pattern: string, terminal: boolean, open: boolean) {
    this.method = method
    this.open = open
    this.route = table.find(method, pattern)
    this.notFound = terminal ? this.route : table.unmatched(method)
    this.code = this.route.id * statuses
    this.notFoundCode = this.notFound.id * statuses
    this.makeHead = () => new RouteEntry(table, 'HEAD', pattern, terminal, open)
  }

  /** The same for HEAD, which Hono dispatches as GET. */
  get head(): RouteEntry {
    this.madeHead ??= this.makeHead()
    return this.madeHead
  }
}

/** The entry to report for an asynchronous answer: Hono dispatches HEAD as GET, and always asynchronously. */
export const entryOfAsync = (entry: RouteEntry, request: Request): RouteEntry =>
  entry.method === 'GET' && request.method === 'HEAD' ? entry.head : entry
