/** One application of all the admin routes, its own and those of other plugins. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { type Contributed, type PluginClock, withDeadline, yieldToLoop } from '../../../core/plugin.ts'
import type { Access, AdminEnv, AdminPages, AdminRoutes } from '../api.ts'
import { adminError } from '../errors.ts'
import { invalidParts } from '../problem.ts'
import { pageHandler, pagesProblem } from './plugin-pages.ts'
import './schema-metadata.ts'

/** @returns an application whose validators refuse by ADMIN_INVALID */
export const createApi = () =>
  new OpenAPIHono<AdminEnv>({
    defaultHook: (result) => {
      if (!result.success)
        throw adminError('ADMIN_INVALID', { errors: invalidParts(result.target, result.error.issues as never) })
    },
  })

/** Where admin routes may be: anything else belongs to the application. */
const prefixes = /^\/(admin|monitoring)(\/|$)/

/** How long the function of a contribution, or the disk that its pages are on, may take. */
const deadlineMs = 2_000

interface Declared {
  readonly method: string
  readonly path: string
  readonly operationId?: string
  readonly 'x-access'?: Access
}

const routesOf = (app: OpenAPIHono<AdminEnv>): readonly Declared[] =>
  app.openAPIRegistry.definitions.flatMap((each) => (each.type === 'route' ? [each.route as unknown as Declared] : []))

/**
 * Ids of operations, and the plugins that have a route, `GET /admin/jobs/{}`, or the paths of two parts, `/admin/jobs`.
 */
interface Taken {
  readonly operations: Set<string>
  readonly routes: Map<string, string>
  readonly paths: Map<string, string>
}

/** @throws ADMIN_ROUTES_INVALID for a route that does not say who may call it */
function check({ plugin, value }: Contributed<AdminRoutes>, app: OpenAPIHono<AdminEnv>, taken: Taken): void {
  const refuse = (what: string) => adminError('ADMIN_ROUTES_INVALID', { plugin, what })
  // Not instanceof: the application may come from another copy of the package.
  if (app?.openAPIRegistry === undefined) throw refuse('`app` must return an OpenAPIHono of @hono/zod-openapi')
  const declared = new Set<string>()
  for (const { method, path, operationId, 'x-access': access } of routesOf(app)) {
    declared.add(`${method.toUpperCase()} ${path.replaceAll(/\/{(.+?)}/g, '/:$1')}`)
    const whole = `${value.path === '/' ? '' : value.path}${path}`
    if (!prefixes.test(whole)) throw refuse(`${whole} is not under /admin or /monitoring`)
    if (operationId === undefined || access === undefined) throw refuse(`${method} ${path} does not declare its access`)
    if (taken.operations.has(operationId)) throw refuse(`the operation ${operationId} is there already`)
    const route = `${method.toUpperCase()} ${whole.replace(/\/$/, '')}`
    const owner = taken.routes.get(route.replaceAll(/\{.+?}/g, '{}'))
    if (owner !== undefined) throw refuse(`${route} belongs to ${owner}`)
    taken.routes.set(route.replaceAll(/\{.+?}/g, '{}'), plugin)
    taken.operations.add(operationId)
    taken.paths.set(whole.split('/', 3).join('/'), plugin)
  }
  const stray = app.routes.find(({ method, path }) => !declared.has(`${method} ${path}`))
  if (stray !== undefined) throw refuse(`${stray.method} ${stray.path} is not declared by createRoute`)
}

export interface Mounted {
  readonly path: string
  readonly app: OpenAPIHono<AdminEnv>
}

/** The contribution that each handler is part of. */
export type Owners = Map<unknown, Contributed<unknown>>

/** @param problem what is wrong with the pages themselves @throws ADMIN_PAGES_INVALID */
function mountPages(
  into: OpenAPIHono<AdminEnv>,
  { plugin, value }: Contributed<AdminPages>,
  problem: string | undefined,
  { paths }: Taken,
  clock: PluginClock,
): Handler<AdminEnv> {
  const owner = paths.get(value.path)
  const what = owner === undefined || owner === plugin ? problem : `${value.path} belongs to ${owner}`
  if (what !== undefined) throw adminError('ADMIN_PAGES_INVALID', { plugin, what })
  paths.set(value.path, plugin)
  const handler = pageHandler(value, clock)
  into.get(`${value.path}/*`, handler)
  return handler
}

/** Asks every contribution, each in a turn of its own and none for longer than {@link deadlineMs}. */
async function ask<T, R>(
  given: readonly Contributed<T>[],
  clock: PluginClock,
  call: (value: T) => R | Promise<R>,
): Promise<readonly (readonly [Contributed<T>, Promise<R>])[]> {
  const asked: (readonly [Contributed<T>, Promise<R>])[] = []
  for (const each of given) {
    await yieldToLoop()
    const late = () =>
      adminError('ADMIN_ROUTES_INVALID', { plugin: each.plugin, what: `no answer in ${deadlineMs} ms` })
    const answer = withDeadline((async () => call(each.value))(), deadlineMs, clock, late)
    answer.catch(() => {})
    asked.push([each, answer])
  }
  return asked
}

/**
 * Mounts all routes, a part in a turn of the event loop: their schemas take their time. Fills `owners` with the
 * mounted handlers, and `refused` with the contributions that are left out, and why.
 */
export async function compose(
  into: OpenAPIHono<AdminEnv>,
  routes: readonly Contributed<AdminRoutes>[],
  pages: readonly Contributed<AdminPages>[],
  owners: Owners,
  refused: Map<Contributed<unknown>, unknown>,
  clock: PluginClock,
): Promise<readonly Mounted[]> {
  const taken: Taken = { operations: new Set(), routes: new Map(), paths: new Map() }
  const mounted: Mounted[] = []
  for (const [each, answer] of await ask(routes, clock, (value) => value.app())) {
    await yieldToLoop()
    try {
      const app = await answer
      check(each, app, taken)
      const before = into.routes.length
      into.route(each.value.path, app)
      for (const { handler } of into.routes.slice(before)) owners.set(handler, each)
      mounted.push({ path: each.value.path, app })
    } catch (error) {
      refused.set(each, error)
    }
  }
  for (const [each, problem] of await ask(pages, clock, pagesProblem)) {
    try {
      owners.set(mountPages(into, each, await problem, taken, clock), each)
    } catch (error) {
      refused.set(each, error)
    }
  }
  return mounted
}
