/** The data of one request on the slow path, and of the request that the running code serves. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestScope, Route } from '../contract/request-hooks.ts'
import type { HookedRequest, Hooks } from './hook-set.ts'
import { requestIdOf, traceIdOf } from './request-identity.ts'
import type { RouteEntry } from './routes/route-entry.ts'

const scopes = new WeakMap<Request, Scope>()

/** Only the request path enters the storage. */
export const requestStorage = new AsyncLocalStorage<RequestScope>()

/** @returns the scope of the current request; undefined outside of a request, or if no plugin has `context: true` */
export const currentRequest = (): RequestScope | undefined => requestStorage.getStore()

const noError = Symbol('no error')

export class Scope implements HookedRequest {
  entry: RouteEntry | undefined
  begun = 0
  /** The last error passed to `onError`; an application may throw undefined. */
  error: unknown = noError

  constructor(
    readonly request: Request,
    readonly startedMs: number,
    readonly hooks: Hooks,
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

  /** Lets {@link scopeOf} find this scope. */
  remember(): void {
    scopes.set(this.request, this)
  }
}

/** The scope of a request in progress, if `remember` was called. */
export const scopeOf = (request: Request): Scope | undefined => scopes.get(request)
