/** A second router over `app.routes`: before the application has a router, and for a Hono with unknown internals. */
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { type HonoRoute, isHonoRoute } from './hono-routes.ts'

/** The members of a Hono application that Arkwatch uses. */
export interface HonoLike {
  readonly fetch: (request: Request, ...rest: never[]) => Response | Promise<Response>
  readonly routes: readonly HonoRoute[]
  readonly getPath?: (request: Request, options?: never) => string
}

/** Whether a value is a Hono application, from any copy and version of Hono. */
export function isHono(app: unknown): app is HonoLike {
  if (typeof app !== 'object' || app === null) return false
  const methods = ['fetch', 'request', 'basePath', 'notFound', 'onError']
  return (
    methods.every((name) => typeof Reflect.get(app, name) === 'function') && Array.isArray(Reflect.get(app, 'routes'))
  )
}

/** Returns the routes that a request matches, in order. */
export type RouteMatcher = (method: string, path: string) => readonly HonoRoute[]

/** @param app routes added later are found, too */
export function createRouteMatcher(app: Pick<HonoLike, 'routes'>): RouteMatcher {
  let router: SmartRouter<HonoRoute> | undefined
  let built = -1
  return (method, path) => {
    const { routes } = app
    if (router === undefined || built !== routes.length) {
      router = new SmartRouter<HonoRoute>({ routers: [new RegExpRouter(), new TrieRouter()] })
      for (const route of routes) if (isHonoRoute(route)) router.add(route.method, route.path, route)
      built = routes.length
    }
    try {
      return router.match(method === 'HEAD' ? 'GET' : method, path)[0].map(([route]) => route as HonoRoute)
    } catch {
      return []
    }
  }
}

/** The path that an application routes a request by. */
export function pathOf(app: Pick<HonoLike, 'getPath'>, request: Request): string {
  try {
    return app.getPath?.(request) ?? new URL(request.url).pathname
  } catch {
    return new URL(request.url).pathname
  }
}
