/** PURE. Paths that two plugins would answer: which plugin answers must not depend on the order of their sections. */
import { type HonoRoute, isCatchAll, isHonoRoute, isTerminal } from './hono-routes.ts'
import { createRouteMatcher, type HonoLike } from './route-matcher.ts'

export interface OwnedRoutes {
  readonly plugin: string
  /** Whether the plugin came from outside the catalog. */
  readonly foreign: boolean
  readonly routes: Pick<HonoLike, 'routes'>
}

/** The routes that answer, not the middleware; none for a value that is not an application, which cannot be mounted. */
function handlers(owner: Pick<HonoLike, 'routes'>): readonly HonoRoute[] {
  try {
    // Hono answers HEAD by the routes of GET.
    return [...owner.routes].filter(
      (route) => isHonoRoute(route) && isTerminal(route) && !isCatchAll(route.path) && route.method !== 'HEAD',
    )
  } catch {
    return []
  }
}

const segmentsOf = (pattern: string) => pattern.replace(/\{[^/]*\}/g, '').split('/')
const matchesAny = (segment: string) => segment === '*' || segment.startsWith(':')

/** Whether some path matches both patterns, as far as that can be said without the expressions of parameters. */
export function patternsMeet(one: string, other: string): boolean {
  const [a, b] = [segmentsOf(one), segmentsOf(other)]
  for (let at = 0; ; at += 1) {
    const [left, right] = [a[at], b[at]]
    if (left === undefined && right === undefined) return true
    if (left === undefined || right === undefined) {
      const rest = (left === undefined ? b : a).slice(at)
      // `/admin/*` matches `/admin`, and `/users/:id?` matches `/users`.
      return rest.length === 1 && (rest[0] === '*' || rest[0]!.endsWith('?'))
    }
    if ((left === '*' && at === a.length - 1) || (right === '*' && at === b.length - 1)) return true
    if (left !== right && !matchesAny(left) && !matchesAny(right)) return false
  }
}

const methodsMeet = (one: string, other: string) => one === other || one === 'ALL' || other === 'ALL'

/** @returns a route of `later` that answers what `earlier` answers as well */
const shared = (earlier: OwnedRoutes, later: OwnedRoutes): HonoRoute | undefined =>
  handlers(later.routes).find(({ method, path }) =>
    handlers(earlier.routes).some((own) => methodsMeet(own.method, method) && patternsMeet(own.path, path)),
  )

/** @returns whether a plugin of the catalog answers at a path */
export function ownPaths(owned: readonly OwnedRoutes[]): (method: string, path: string) => boolean {
  const own = createRouteMatcher({
    routes: owned.filter(({ foreign }) => !foreign).flatMap(({ routes }) => handlers(routes)),
  })
  return (method, path) => own(method, path).length > 0
}

const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other))

/** A plugin of the catalog goes before the others, and these go by name. */
const byRank = (one: OwnedRoutes, other: OwnedRoutes) =>
  Number(one.foreign) - Number(other.foreign) || (one.foreign ? compare(one.plugin, other.plugin) : 0)

/**
 * @returns the routes to mount, in this order, so that no middleware of another plugin runs before the routes of a
 * plugin of the catalog; and the plugins whose routes are left out, each with the reason
 */
export function rankRoutes<Owned extends OwnedRoutes>(owned: readonly Owned[]) {
  const refused = new Map<string, string>()
  const kept: Owned[] = []
  for (const each of owned.toSorted(byRank)) {
    const [conflict] = kept.flatMap((other) => {
      const route = shared(other, each)
      return route === undefined ? [] : [`${other.plugin} answers ${route.method} ${route.path}`]
    })
    if (conflict === undefined) kept.push(each)
    else refused.set(each.plugin, conflict)
  }
  return { kept, refused }
}
