/** How a wrapped application says which route a request took. */
import type { Scope } from '../request-scope.ts'
import type { RouteEntry } from './route-entry.ts'

/** Anything that answers requests. `undefined` is the answer of an upgraded WebSocket. */
export type AnyFetch = (
  request: Request,
  env?: unknown,
  context?: unknown,
) => Response | undefined | Promise<Response | undefined>

/**
 * What the wrapper shares with the route finder. While `entry` is null, the first match that the router makes is the match of
 * the request under way; its entry is left there.
 */
export class RouteSource {
  /** Undefined while no request is under way. */
  entry: RouteEntry | null | undefined = undefined
  /** What is called in place of the application. */
  instead: AnyFetch | undefined = undefined
  /** The scope of the request under way, if it has one. */
  scope: Scope | undefined = undefined
  /** A constant, so that its code is joined with the wrapper's. */
  readonly application: AnyFetch
  /** Finds the entry of a request for which the router made no match; never throws. */
  readonly resolve: (request: Request) => RouteEntry

  constructor(application: AnyFetch, resolve: (request: Request) => RouteEntry) {
    this.application = application
    this.resolve = resolve
  }
}
