/** What hooks with a scope get of a request. Made only if some hook needs it. */
import type { RequestScope, Route } from '../contract/request-hooks.ts'
import { requestIdOf, traceIdOf } from './request-identity.ts'
import type { RouteEntry } from './routes/route-entry.ts'

const scopes = new WeakMap<Request, Scope>()

export class Scope implements RequestScope {
  /** Set when the router has matched. */
  entry: RouteEntry | undefined
  /** The error that `onError` has seen. */
  error: unknown

  constructor(
    readonly request: Request,
    readonly startedMs: number,
  ) {}

  get id(): string {
    return requestIdOf(this.request)
  }

  get traceId(): string | undefined {
    return traceIdOf(this.request)
  }

  get route(): Route | undefined {
    return this.entry?.route
  }

  /** Lets {@link scopeOf} find it. */
  remember(): void {
    scopes.set(this.request, this)
  }
}

/** The scope of a request under way, if it was remembered. */
export const scopeOf = (request: Request): Scope | undefined => scopes.get(request)
