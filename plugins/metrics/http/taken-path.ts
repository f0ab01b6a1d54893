/** PURE. Whether another plugin answers the path of the exposition. */
import type { Conflict } from '../../../core/plugin.ts'

/** @param routes the paths that other plugins answer; `/admin/*` covers `/admin` too */
export function takenPath(path: string, routes: readonly string[]): readonly Conflict[] {
  const covers = (route: string) => route.endsWith('/*') && `${path}/`.startsWith(route.slice(0, -1))
  const taken = routes.find((route) => route === path || covers(route))
  return taken === undefined
    ? []
    : [{ path: ['path'], what: `expected a path of its own: another plugin answers ${taken}` }]
}
