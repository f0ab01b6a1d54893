/** Every route template seen. Ids count from 0 without gaps, so that observers can index arrays by id. */
import type { Route } from '../../contract/request-hooks.ts'

/** The number of statuses: 0 to 1,023. A power of two. */
export const statuses = 1_024

/** The pattern of requests that matched no route of the application. */
export const unmatchedPattern = '__unmatched'
/** The pattern of all routes past the limit of the table. */
const overflowPattern = '__overflow__'
/** The methods of OpenTelemetry's semantic conventions: RFC 9110, PATCH (RFC 5789) and QUERY. */
const knownMethods = new Set('CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '))

/** @returns the method, or `_OTHER` for every method that HTTP does not define */
export const knownMethod = (method: string): string => (knownMethods.has(method) ? method : '_OTHER')

/** One {@link Route} for each method and pattern. Bounded: at most `maxRoutes`, and two more for each method. */
export class RouteTable {
  readonly #byMethod = new Map<string, Map<string, Route>>()
  readonly #routes: Route[] = []

  constructor(readonly maxRoutes = 1_000) {}

  /** The index is the id. */
  get routes(): readonly Route[] {
    return this.#routes
  }

  /** @param method as in the request line @param pattern a template, never a path */
  find(method: string, pattern: string): Route {
    const known = knownMethod(method)
    const found = this.#patterns(known).get(pattern)
    if (found !== undefined) return found
    if (pattern === unmatchedPattern || this.#routes.length < this.maxRoutes) return this.#add(known, pattern)
    return this.#patterns(known).get(overflowPattern) ?? this.#add(known, overflowPattern)
  }

  #patterns(method: string): Map<string, Route> {
    const patterns = this.#byMethod.get(method) ?? new Map<string, Route>()
    if (patterns.size === 0) this.#byMethod.set(method, patterns)
    return patterns
  }

  #add(method: string, pattern: string): Route {
    const route: Route = { id: this.#routes.length, method, pattern }
    this.#routes.push(route)
    this.#patterns(method).set(pattern, route)
    return route
  }
}
