/** What plugins may hook into on the request path. Types only; the wrapper lives in core/http/. */

/** A route template with its method. `id` is dense from 0, stable for the life of the process, and bounded. */
export interface Route {
  readonly id: number
  /** HTTP method in capitals; unknown ones are `_OTHER` (OpenTelemetry semantic conventions). */
  readonly method: string
  /** The template, `/users/:id`, or `__unmatched`. */
  readonly pattern: string
}

/** Made for a request only if some plugin has `onRequest`, `onResponse` or `onError`, or asked for `context`. */
export interface RequestScope {
  readonly request: Request
  /** Request id: the incoming `x-request-id` if it is well-formed, else a new one. Lazy. */
  readonly id: string
  /** W3C trace id of a valid incoming `traceparent`, else undefined. Lazy. */
  readonly traceId: string | undefined
  /** `clock.monotonic()` at the beginning. */
  readonly startedMs: number
  /** Known once the router has matched. */
  readonly route: Route | undefined
}

export interface RequestHooks {
  /**
   * Called once for each request, in the order in which they end, of many in a row: within 20 ms of its end, and before
   * metrics are exposed. The cheapest hook. Must not throw or return a promise.
   * @param route the matched route
   * @param status HTTP status, below 1,024; 101 for an upgrade, 500 for a thrown error and for what is no response
   * @param durationMs time to the response
   * @param endedMs `clock.monotonic()` at the end; add `clock.now() - clock.monotonic()` for the wall clock
   */
  observe?(route: Route, status: number, durationMs: number, endedMs: number): void
  /**
   * The same, called at once, with the request. Must not allocate, throw, or return a promise.
   * @param request for its url and headers, which cost: read them only when asked to
   */
  observeRequest?(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void
  /** May answer in place of the application. */
  onRequest?(scope: RequestScope): Response | undefined
  onResponse?(scope: RequestScope, response: Response | undefined): void
  onError?(scope: RequestScope, error: unknown): void
  /** Makes core run each request in one AsyncLocalStorage, see `currentRequest()`. Costs 4-15 % of a bare route. */
  readonly context?: boolean
}
