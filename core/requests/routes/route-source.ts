/** What the wrapper of an application shares with the code that finds the route of a request. */
import type { Scope } from '../request-scope.ts'
import type { RouteEntry } from './route-entry.ts'

/** Anything that answers requests. `undefined` is the answer of an upgraded WebSocket. */
export type AnyFetch = (
  request: Request,
  env?: unknown,
  context?: unknown,
) => Response | undefined | Promise<Response | undefined>

/** Answers a request before the application, or returns undefined to let the request pass. */
export type Interceptor = (request: Request) => Response | Promise<Response> | undefined

/** The value of {@link RouteSource.entry} from the start of a request to the first match of the router. */
export const awaitingMatch = null

export class RouteSource {
  entry: RouteEntry | typeof awaitingMatch | undefined = undefined
  interceptor: Interceptor | undefined = undefined
  scope: Scope | undefined = undefined
  /** Whether a plugin of Arkwatch answers a request, and not the application. */
  isOwn: (request: Request) => boolean = () => false
  /** Never changes, so that the JIT inlines the application into the wrapper. */
  readonly application: AnyFetch
  /** The answer of the interceptor, or else of the application. */
  readonly answer: AnyFetch
  /** Finds the entry of a request for which the router made no match; never throws. */
  readonly resolve: (request: Request) => RouteEntry

  constructor(application: AnyFetch, resolve: (request: Request) => RouteEntry) {
    this.application = application
    this.answer = (request, env, context) => this.interceptor?.(request) ?? application(request, env, context)
    this.resolve = resolve
  }
}
