/** The prefix in the application's own listener under which Arkwatch answers exposed paths. */
import { coreError } from '../contract/errors.ts'
import { isCatchAll } from '../contract/foreign/route-conflicts.ts'
import type { Logger } from '../contract/logger.ts'
import type { HonoRoute } from './routes/hono-routes.ts'
import { RouteEntry } from './routes/route-entry.ts'
import { createRouteMatcher, type HonoLike } from './routes/route-matcher.ts'
import type { Interceptor, RouteSource } from './routes/route-source.ts'
import type { RouteTable } from './routes/route-table.ts'

export interface MountOptions {
  readonly at: string
  /** First segments under the prefix that Arkwatch answers, `['livez', 'readyz']`. */
  readonly expose: readonly string[]
  /** Arkwatch's own routes. */
  forward(request: Request): Response | Promise<Response>
  /** Whether a plugin of Arkwatch answers at a path of `forward`. */
  isOwn(method: string, path: string): boolean
}

const isPlain = (part: string) => /^(?!\.\.?$)[A-Za-z0-9._~-]+$/.test(part)
const plainPath = /^(\/[A-Za-z0-9._~:@!$&'()*+,;=-]+)+$/

/** Whether a path has one spelling: no empty or dotted segments, no percent-encoding. */
const isPlainPath = (path: string) => plainPath.test(path) && !/\/\.\.?(\/|$)/.test(path)

/** @returns the names without a leading slash @throws EMBED_OPTIONS_INVALID */
function parseNames({ at, expose }: MountOptions): string[] {
  const invalid = (what: string) => coreError('EMBED_OPTIONS_INVALID', { what })
  if (typeof at !== 'string' || !isPlainPath(at))
    throw invalid(`at must be a path such as "/_ops", got ${JSON.stringify(at)}`)
  const names = expose.map((name) => String(name).replace(/^\//, ''))
  const wrong = names.find((name) => !name.split('/').every(isPlain))
  if (wrong !== undefined) throw invalid(`expose must hold names such as "livez", got ${JSON.stringify(wrong)}`)
  return names
}

export class Mount {
  /** The paths that the mount answers, with every path under them. */
  paths: readonly string[]

  /** @throws EMBED_OPTIONS_INVALID */
  constructor(
    private readonly table: RouteTable,
    private readonly options: MountOptions,
  ) {
    this.paths = parseNames(options).map((name) => `${options.at}/${name}`)
  }

  /** @param isRouted whether the application has a route for a request, which then wins */
  interceptor(source: RouteSource, isRouted: (request: Request) => boolean = () => false): Interceptor {
    const { at, forward } = this.options
    const prefix = `${at}/`
    return (request) => {
      const { url } = request
      if (url.indexOf(prefix) === -1) return undefined
      const target = new URL(url)
      const pattern = this.#patternOf(target.pathname)
      if (pattern === undefined || isRouted(request)) return undefined
      source.entry = new RouteEntry(this.table, request.method, pattern, true)
      target.pathname = target.pathname.slice(at.length)
      return forward(new Request(target.href, request))
    }
  }

  /** Whether a plugin of Arkwatch answers a request, where the application does not. */
  isOwn({ method, url }: Request): boolean {
    const { at, isOwn } = this.options
    const { pathname } = new URL(url)
    return this.#patternOf(pathname) !== undefined && isOwn(method, pathname.slice(at.length))
  }

  /** The application's routes that match an exposed path, without a bare catch-all. */
  conflicts(app: Pick<HonoLike, 'routes'>): { exposed: string; route: HonoRoute }[] {
    const matcher = createRouteMatcher(app)
    return this.paths.flatMap((exposed) => {
      const route =
        matcher('GET', exposed).find(({ path }) => !isCatchAll(path)) ??
        app.routes.find(({ path }) => path.startsWith(`${exposed}/`))
      return route === undefined ? [] : [{ exposed, route }]
    })
  }

  /** Stops answering the paths that the application routes by now, and logs an error for each. */
  yieldTo(app: Pick<HonoLike, 'routes'>, log: Logger): void {
    for (const { exposed, route } of this.conflicts(app)) {
      this.paths = this.paths.filter((path) => path !== exposed)
      log.error(conflictOf(exposed, `${route.method} ${route.path}`).message)
    }
  }

  #patternOf(path: string): string | undefined {
    const exposed = this.paths.find((own) => path === own || path.startsWith(`${own}/`))
    if (exposed === undefined || !isPlainPath(path)) return undefined
    return path === exposed ? exposed : `${exposed}/*`
  }
}

export const conflictOf = (exposed: string, route: string) => coreError('EMBED_PATH_CONFLICT', { exposed, route })
