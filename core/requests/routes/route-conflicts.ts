/** PURE. Paths that two plugins would answer: which plugin answers must not depend on the order of their sections. */
import { type HonoRoute, isHonoRoute, isTerminal } from './hono-routes.ts'
import { createRouteMatcher, type HonoLike } from './route-matcher.ts'

export interface OwnedRoutes {
  readonly plugin: string
  /** Whether the plugin came from outside the catalog. */
  readonly foreign: boolean
  readonly routes: Pick<HonoLike, 'routes'>
}

/** A path that a pattern matches; a parameter with an expression of its own may refuse it. */
const sampleOf = (pattern: string) => pattern.replace(/:\w+(?:\{[^{}]*\})?\??|\*/g, 'x')
const methodOf = ({ method }: HonoRoute) => (method === 'ALL' ? 'GET' : method)

/** The routes that answer, not the middleware; none for a value that is not an application, which cannot be mounted. */
function handlers(owner: Pick<HonoLike, 'routes'>): readonly HonoRoute[] {
  try {
    return [...owner.routes].filter((route) => isHonoRoute(route) && isTerminal(route))
  } catch {
    return []
  }
}

/** @returns a route of `later` that `earlier` answers as well, or that hides one of `earlier` */
function shared(earlier: Pick<HonoLike, 'routes'>, later: Pick<HonoLike, 'routes'>): HonoRoute | undefined {
  const answers = (owner: Pick<HonoLike, 'routes'>) => {
    const match = createRouteMatcher({ routes: handlers(owner) })
    return (route: HonoRoute) => match(methodOf(route), sampleOf(route.path)).length > 0
  }
  return handlers(later).find(answers(earlier)) ?? handlers(earlier).find(answers(later))
}

/**
 * @param owned in start order; a plugin of the catalog goes before the others
 * @returns the plugins whose routes are left out, each with the reason
 */
export function routeConflicts(owned: readonly OwnedRoutes[]): ReadonlyMap<string, string> {
  const refused = new Map<string, string>()
  const kept: OwnedRoutes[] = []
  for (const each of owned.toSorted((a, b) => Number(a.foreign) - Number(b.foreign))) {
    const found = kept.map((other) => ({ other, route: shared(other.routes, each.routes) }))
    const conflict = found.find(({ route }) => route !== undefined)
    if (conflict === undefined) kept.push(each)
    else
      refused.set(
        each.plugin,
        `${conflict.route!.method} ${conflict.route!.path}, which ${conflict.other.plugin} answers`,
      )
  }
  return refused
}
