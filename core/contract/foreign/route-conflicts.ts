/** PURE. The one rule for the paths that two plugins answer, for a check of the configuration and at each swap. */

export interface RoutePattern {
  /** `ALL` for every method. */
  readonly method: string
  readonly path: string
}

export interface RouteOwner<Pattern extends RoutePattern = RoutePattern> {
  readonly plugin: string
  /** Whether the plugin came from outside the catalog. */
  readonly foreign: boolean
  readonly answers: readonly Pattern[]
}

export interface RouteConflict {
  /** The plugin that keeps its routes. */
  readonly keeper: string
  readonly kept: RoutePattern
  readonly refused: RoutePattern
}

/** Whether a pattern matches every path. */
export const isCatchAll = (pattern: string): boolean => pattern === '*' || pattern === '/*'

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

/** A bare `*` answers only what no other route does, and Hono answers HEAD by the routes of GET. */
export const claims = ({ method, path }: RoutePattern) => !isCatchAll(path) && method !== 'HEAD'
const methodsMeet = (one: string, other: string) => one === other || one === 'ALL' || other === 'ALL'

function conflictOf(keeper: RouteOwner, { answers }: RouteOwner): RouteConflict | undefined {
  for (const refused of answers.filter(claims))
    for (const kept of keeper.answers.filter(claims))
      if (methodsMeet(kept.method, refused.method) && patternsMeet(kept.path, refused.path))
        return { keeper: keeper.plugin, kept, refused }
  return undefined
}

const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other))

/** A plugin of the catalog goes before the others, and these go by name, so that the order of sections is nothing. */
const byRank = (one: RouteOwner, other: RouteOwner) =>
  Number(one.foreign) - Number(other.foreign) || (one.foreign ? compare(one.plugin, other.plugin) : 0)

/**
 * @returns the plugins whose routes are mounted, in this order, so that no middleware of another plugin runs before the
 * routes of a plugin of the catalog; and the plugins whose routes are left out, each with the reason
 */
export function rankRoutes<Owner extends RouteOwner>(owners: readonly Owner[]) {
  const refused = new Map<string, RouteConflict>()
  const kept: Owner[] = []
  for (const each of owners.toSorted(byRank)) {
    const conflict = kept.map((other) => conflictOf(other, each)).find((found) => found !== undefined)
    if (conflict === undefined) kept.push(each)
    else refused.set(each.plugin, conflict)
  }
  return { kept, refused }
}
