/** The routes and hooks of the plugins that are up, put in force at each swap. */

import { type RouteOwner, rankRoutes } from './contract/foreign/route-conflicts.ts'
import { isUp } from './contract/plugin-state.ts'
import { composeApp, type MountedRoutes } from './http/public-app.ts'
import type { Generation } from './lifecycle/generation.ts'
import type { OwnedHooks } from './requests/hook-set.ts'
import type { RequestPath } from './requests/request-path.ts'
import type { HonoRoute } from './requests/routes/hono-routes.ts'
import { answersOf, ownPaths } from './requests/routes/plugin-routes.ts'
import { pathOf } from './requests/routes/route-matcher.ts'

type Handler = (request: Request, server?: unknown) => Response | Promise<Response>

export class RequestParts {
  /** The plugins' public routes, observed. Replaced by each swap. */
  handle: Handler = () => new Response(null, { status: 503 })
  /** As `handle`, without the observers of core. */
  answer: (request: Request) => Response | Promise<Response> = this.handle

  /** @param givenInCode the names of plugins that are not in the catalog */
  constructor(
    private readonly requestPath: RequestPath,
    private readonly givenInCode: ReadonlySet<string>,
  ) {}

  swap(current: Generation): void {
    const { requestPath, givenInCode } = this
    const hooked: OwnedHooks[] = []
    const routed: (MountedRoutes & RouteOwner<HonoRoute>)[] = []
    const up = [...current.values()].filter(({ state }) => isUp(state))
    for (const instance of up) {
      const { name: plugin, section, requestParts, faults } = instance
      const { hooks, routes } = requestParts
      const failed = (what: string) => (error: unknown) => instance.fault(what, error)
      // Hooks that were taken out are back.
      faults.hold(requestPath, undefined)
      const removed = (reason: string) => faults.hold(requestPath, reason)
      const isRunning = () => isUp(instance.state)
      if (hooks) hooked.push({ plugin, hooks, failed: failed('a request hook'), isUp: isRunning, removed })
      const foreign = section.from !== undefined || givenInCode.has(plugin)
      if (routes) routed.push({ plugin, routes, answers: answersOf(routes), foreign, failed: failed('a route') })
    }
    const { kept, refused } = rankRoutes(routed)
    const isOwn = ownPaths(kept)
    requestPath.setHooks(hooked, isOwn)
    for (const { name, contributions } of up) {
      const conflict = refused.get(name)
      contributions.refuseRoutes(
        conflict && `${conflict.keeper} answers ${conflict.refused.method} ${conflict.refused.path}`,
      )
    }
    const app = composeApp(kept)
    this.answer = app.fetch
    this.handle = requestPath.wrapHono(app, undefined, (request) => isOwn(request.method, pathOf(app, request)))
  }
}
