/** The route of a request in progress. */
import type { Route } from '../../contract/request-hooks.ts'
import { type RouteTable, statuses, unmatchedPattern } from './route-table.ts'

/** The route of a request whose status is not known yet. Fields of each request come first, as in {@link Traffic}. */
export class RouteEntry {
  readonly method: string
  /** The number that stands for the route in {@link Traffic}, to which the status is added. */
  readonly code: number
  readonly notFoundCode: number
  readonly route: Route
  /** The route if the status is 404: `__unmatched` if only middleware matched. */
  readonly notFound: Route
  private readonly makeHead: () => RouteEntry
  private madeHead: RouteEntry | undefined

  /** @param terminal whether a handler matched, not only middleware */
  constructor(table: RouteTable, method: string, pattern: string, terminal: boolean) {
    this.method = method
    this.route = table.find(method, pattern)
    this.notFound = terminal ? this.route : table.find(method, unmatchedPattern)
    this.code = this.route.id * statuses
    this.notFoundCode = this.notFound.id * statuses
    this.makeHead = () => new RouteEntry(table, 'HEAD', pattern, terminal)
  }

  /** The entry of the same route for HEAD, which Hono dispatches as GET. */
  get head(): RouteEntry {
    this.madeHead ??= this.makeHead()
    return this.madeHead
  }
}

/** The entry to report for an asynchronous answer: Hono dispatches HEAD as GET, and always asynchronously. */
export const entryOfAsync = (entry: RouteEntry, request: Request): RouteEntry =>
  entry.method === 'GET' && request.method === 'HEAD' ? entry.head : entry
