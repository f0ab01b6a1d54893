/** The entries of one application's routes, made once for each route and method. */
import { chooseRoute, type HonoRoute, isHonoRoute, isTerminal } from './hono-routes.ts'
import { RouteEntry } from './route-entry.ts'
import { knownMethod, type RouteTable, unmatchedPattern } from './route-table.ts'

interface Known {
  readonly terminal: boolean
  readonly entries: Map<string, RouteEntry>
}

/** The result of Hono's routers: `[[handler, route], params]` for each match. */
export type HandlerList = readonly (readonly [readonly [unknown, unknown], unknown])[]

export class RouteEntries {
  readonly #known = new WeakMap<HonoRoute, Known>()
  readonly #unmatched = new Map<string, RouteEntry>()

  constructor(private readonly table: RouteTable) {}

  /** The entry of a router's result. @throws TypeError if the result has another shape */
  ofList(list: HandlerList, method: string): RouteEntry {
    let chosen: HonoRoute | undefined
    for (let at = 0; at < list.length; at += 1) {
      const route = list[at]?.[0]?.[1]
      if (!isHonoRoute(route)) throw new TypeError('the router does not give the routes that were added to it')
      chosen = route
      if (this.#knownOf(route).terminal) break
    }
    return this.#of(chosen, method)
  }

  ofRoutes(matched: readonly HonoRoute[], method: string): RouteEntry {
    return this.#of(chooseRoute(matched), method)
  }

  #of(route: HonoRoute | undefined, rawMethod: string): RouteEntry {
    const method = knownMethod(rawMethod)
    const known = route && this.#knownOf(route)
    const entries = known?.entries ?? this.#unmatched
    const found = entries.get(method)
    if (found !== undefined) return found
    const entry = new RouteEntry(this.table, method, route?.path ?? unmatchedPattern, known?.terminal ?? false)
    entries.set(method, entry)
    return entry
  }

  #knownOf(route: HonoRoute): Known {
    const found = this.#known.get(route)
    if (found !== undefined) return found
    const known = { terminal: isTerminal(route), entries: new Map<string, RouteEntry>() }
    this.#known.set(route, known)
    return known
  }
}
