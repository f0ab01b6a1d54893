/** Wraps an application of any kind: the code of `ops.wrap`. */
import { coreError } from '../contract/errors.ts'
import { conflictOf, Mount, type MountOptions } from './mount.ts'
import type { RequestPath } from './request-path.ts'
import { isHono } from './routes/route-matcher.ts'
import type { AnyFetch } from './routes/route-source.ts'

export interface WrapOptions {
  /** The prefix in the application's own listener under which Arkwatch answers. @default '/_ops' */
  readonly at?: string
  /** First path segments that Arkwatch answers under `at`. Other paths need a separate listener. @default [] */
  readonly expose?: readonly string[]
  /** Gives the route template of a request, for other frameworks than Hono. @default every request is `__unmatched` */
  readonly routes?: (request: Request) => string | undefined
}

/** An application to wrap: a Hono application, an object with a `fetch`, or the function itself. */
export type Application =
  | { readonly fetch: (request: Request, ...rest: never[]) => unknown }
  | ((request: Request, ...rest: never[]) => unknown)

export type Wrapped<A extends Application> = A extends { readonly fetch: infer F } ? F : A

const fetchOf = (app: Application): AnyFetch => {
  if (typeof app === 'function' && !('fetch' in app)) return app as unknown as AnyFetch
  const { fetch } = app as { fetch?: unknown }
  if (typeof fetch !== 'function')
    throw coreError('EMBED_OPTIONS_INVALID', { what: 'the application must be a function or have a fetch method' })
  return fetch.bind(app) as AnyFetch
}

const templateOf = (routes: NonNullable<WrapOptions['routes']>, path: string): string | undefined => {
  try {
    return routes(new Request(`http://localhost${path}`))
  } catch {
    return undefined
  }
}

/**
 * @param forward Arkwatch's own routes, not wrapped: the wrapper of the application measures their requests
 * @throws EMBED_OPTIONS_INVALID, EMBED_PATH_CONFLICT
 */
export function wrapApplication<A extends Application>(
  path: RequestPath,
  app: A,
  { at = '/_ops', expose = [], routes }: WrapOptions,
  forward: MountOptions['forward'],
): Wrapped<A> {
  const mount = expose.length > 0 ? new Mount(path.table, { at, expose, forward, isOwn: path.isOwn }) : undefined
  if (isHono(app) && routes === undefined) {
    const [conflict] = mount?.conflicts(app) ?? []
    if (conflict) throw conflictOf(conflict.exposed, `${conflict.route.method} ${conflict.route.path}`)
    return path.wrapHono(app, mount) as unknown as Wrapped<A>
  }
  if (mount !== undefined && routes !== undefined) {
    for (const exposed of mount.paths) {
      const template = templateOf(routes, exposed)
      if (template !== undefined && template !== '*' && template !== '/*') throw conflictOf(exposed, template)
    }
  }
  return path.wrapFetch(fetchOf(app), routes ?? (() => undefined), mount) as unknown as Wrapped<A>
}
