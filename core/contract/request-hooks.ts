/** The hooks of plugins on the request path. Types, and the names of the hooks; core/requests/ runs them. */
import type { Synchronous } from './foreign/calls.ts'

/** A route template with its method. Ids count from 0 without gaps, are bounded, and last as long as the process. */
export interface Route {
  readonly id: number
  /** HTTP method in capitals; an unknown method is `_OTHER` (OpenTelemetry semantic conventions). */
  readonly method: string
  /** The template, `/users/:id`, or `__unmatched`. */
  readonly pattern: string
}

/** The data of one request. Made only if a plugin has `onRequest`, `onResponse`, `onError` or `context: true`. */
export interface RequestScope {
  readonly request: Request
  /** The incoming `x-request-id` if that is well-formed, otherwise a new UUID. Lazy. */
  readonly id: string
  /** W3C trace id of a valid incoming `traceparent`, else undefined. Lazy. */
  readonly traceId: string | undefined
  /** `clock.monotonic()` at the start. */
  readonly startedMs: number
  /** Set by the router's match. */
  readonly route: Route | undefined
}

/** Synchronous functions: a hook that returns a promise is at fault, as is one that throws. */
export interface RequestHooks {
  /**
   * Called once for each request, in batches, in the order in which requests end: within 20 ms of the end, before
   * metrics are exposed. The cheapest hook. Must not throw or return a promise.
   * @param status HTTP status, below 1,024; 101 for an upgrade, 500 for a thrown error or no Response
   * @param durationMs time to the response
   * @param endedMs `clock.monotonic()` at the end; add `clock.now() - clock.monotonic()` for the wall clock
   */
  observe?(route: Route, status: number, durationMs: number, endedMs: number): Synchronous
  /** The same, immediately. Must not allocate, throw, or return a promise; reading URL and headers costs time. */
  observeRequest?(route: Route, status: number, durationMs: number, endedMs: number, request: Request): Synchronous
  /**
   * Runs before the application. A Response answers the request, and the application does not run; it does not apply to
   * the routes of Arkwatch's own plugins, such as probes, metrics and the admin API.
   */
  onRequest?(scope: RequestScope): Response | undefined
  /**
   * Called once for each request that `onRequest` of the same instance saw, and for no other: also after the instance
   * stopped. Without `onRequest`, called once for each request that began while the hook was in force, until then.
   * @param response undefined for an upgrade, and where the application's error passed to the server
   */
  onResponse?(scope: RequestScope, response: Response | undefined): Synchronous
  /** As `onResponse`, and before it: receives an error that reached the application's `onError` or that it threw. */
  onError?(scope: RequestScope, error: unknown): Synchronous
  /** Runs each request in an AsyncLocalStorage, read by `currentRequest()`. docs/embedding.md has the cost. */
  readonly context?: boolean
}

export type HookName = Exclude<keyof RequestHooks, 'context'>
export const hookNames: readonly HookName[] = ['observe', 'observeRequest', 'onRequest', 'onResponse', 'onError']
