/** Every route template seen, each with a dense id, so that observers can index arrays by it. */
import type { Cancel } from '../../contract/clock.ts'
import type { Route } from '../../contract/request-hooks.ts'

/** Statuses are below. A power of two. */
export const statuses = 1_024

/** The pattern of requests that no route of the application took. */
export const unmatchedPattern = '__unmatched'
/** The pattern of routes that the table has no room for. */
export const overflowPattern = '__overflow__'
/** The method of requests with a method that HTTP does not define. */
export const otherMethod = '_OTHER'

/** RFC 9110, PATCH (RFC 5789) and QUERY, as OpenTelemetry's semantic conventions know them. */
const knownMethods: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
])

/** @returns the method as observers see it: itself, or `_OTHER` */
export const knownMethod = (method: string): string => (knownMethods.has(method) ? method : otherMethod)

/** Finds or makes the one {@link Route} of a method and a pattern. Bounded: at most `maxRoutes` and two more a method. */
export class RouteTable {
  readonly #byMethod = new Map<string, Map<string, Route>>()
  readonly #listeners = new Set<(route: Route) => void>()
  readonly #routes: Route[] = []
  #overflowed = 0

  /** @param maxRoutes how many templates get an id of their own */
  constructor(readonly maxRoutes = 1_000) {}

  /** All routes; the index is the id. */
  get routes(): readonly Route[] {
    return this.#routes
  }

  /** How many times a template was folded into `__overflow__`. */
  get overflowed(): number {
    return this.#overflowed
  }

  /** @param method as in the request line @param pattern a template, never a path */
  find(method: string, pattern: string): Route {
    const known = knownMethod(method)
    const found = this.#patterns(known).get(pattern)
    if (found !== undefined) return found
    if (pattern === unmatchedPattern || this.#routes.length < this.maxRoutes) return this.#add(known, pattern)
    this.#overflowed += 1
    return this.#patterns(known).get(overflowPattern) ?? this.#add(known, overflowPattern)
  }

  unmatched(method: string): Route {
    return this.find(method, unmatchedPattern)
  }

  /** Calls back for each route that is added from now on. */
  onAdded(listener: (route: Route) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
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
    for (const listener of this.#listeners) listener(route)
    return route
  }
}
