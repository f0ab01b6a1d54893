/** PURE. The routes of plugins that answer a request, beside their middleware. */
import { claims, type RouteOwner } from '../../contract/foreign/route-conflicts.ts'
import { type HonoRoute, isHonoRoute, isTerminal } from './hono-routes.ts'
import { createRouteMatcher, type HonoLike } from './route-matcher.ts'

/** @returns none for a value that is not an application, which cannot be mounted */
export function answersOf(app: Pick<HonoLike, 'routes'>): readonly HonoRoute[] {
  try {
    return [...app.routes].filter((route) => isHonoRoute(route) && isTerminal(route))
  } catch {
    return []
  }
}

/** @returns whether a plugin of the catalog answers at a path */
export function ownPaths(owners: readonly RouteOwner<HonoRoute>[]): (method: string, path: string) => boolean {
  const routes = owners.filter(({ foreign }) => !foreign).flatMap(({ answers }) => answers.filter(claims))
  const own = createRouteMatcher({ routes })
  return (method, path) => own(method, path).length > 0
}
