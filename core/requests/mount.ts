/** The prefix in the application's own listener under which Arkwatch answers exposed paths. */
import { coreError } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import { type HonoRoute, isCatchAll } from './routes/hono-routes.ts'
import { RouteEntry } from './routes/route-entry.ts'
import { createRouteMatcher, type HonoLike } from './routes/route-matcher.ts'
import type { Interceptor, RouteSource } from './routes/route-source.ts'
import type { RouteTable } from './routes/route-table.ts'

export interface MountOptions {
  /** The prefix, `/_ops`. */
  readonly at: string
  /** First segments under the prefix that Arkwatch answers, `['livez', 'readyz']`. */
  readonly expose: readonly string[]
  /** Arkwatch's own routes. */
  forward(request: Request): Response | Promise<Response>
}

interface Exposed {
  readonly name: string
  /** Patterns in the route table: of the name itself, and of the paths under it. */
  readonly patterns: readonly [string, string]
}

const segment = /^[A-Za-z0-9._~-]+$/
const isPlain = (part: string) => segment.test(part) && part !== '.' && part !== '..'
const plainPath = /^(\/[A-Za-z0-9._~:@!$&'()*+,;=-]+)+$/

/** Whether a path has one spelling: no empty or dotted segments, no percent-encoding. */
const isPlainPath = (path: string) => plainPath.test(path) && !/\/\.\.?(\/|$)/.test(path)

function parseOptions({ at, expose }: MountOptions): { at: string; expose: string[] } {
  const invalid = (what: string) => coreError('EMBED_OPTIONS_INVALID', { what })
  if (typeof at !== 'string' || !isPlainPath(at)) {
    throw invalid(`at must be a path such as "/_ops", got ${JSON.stringify(at)}`)
  }
  const names = expose.map((name) => String(name).replace(/^\//, ''))
  const wrong = names.find((name) => !name.split('/').every(isPlain))
  if (wrong !== undefined) throw invalid(`expose must hold names such as "livez", got ${JSON.stringify(wrong)}`)
  return { at, expose: names }
}

export class Mount {
  readonly #prefix: string
  readonly #forward: MountOptions['forward']
  #exposed: Exposed[]

  /** @throws EMBED_OPTIONS_INVALID */
  constructor(
    private readonly table: RouteTable,
    options: MountOptions,
  ) {
    const { at, expose } = parseOptions(options)
    this.#prefix = `${at}/`
    this.#forward = options.forward
    this.#exposed = expose.map((name) => ({ name, patterns: [`${at}/${name}`, `${at}/${name}/*`] }))
  }

  /** The paths that the mount answers. */
  get paths(): string[] {
    return this.#exposed.map(({ patterns }) => patterns[0])
  }

  /** @param isRouted whether the application has a route for a request, which then wins */
  interceptor(source: RouteSource, isRouted: (request: Request) => boolean = () => false): Interceptor {
    const prefix = this.#prefix
    return (request) => {
      const { url } = request
      if (url.indexOf(prefix) === -1) return undefined
      const target = new URL(url)
      const pattern = this.#patternOf(target.pathname)
      if (pattern === undefined || isRouted(request)) return undefined
      source.entry = new RouteEntry(this.table, request.method, pattern, true)
      target.pathname = target.pathname.slice(prefix.length - 1)
      return this.#forward(new Request(target.href, request))
    }
  }

  /** The application's routes that match an exposed path, without a bare catch-all. */
  conflicts(app: Pick<HonoLike, 'routes'>): { exposed: string; route: HonoRoute }[] {
    const matcher = createRouteMatcher(app)
    return this.#exposed.flatMap(({ patterns: [exposed] }) => {
      const route =
        matcher('GET', exposed).find(({ path }) => !isCatchAll(path)) ??
        app.routes.find(({ path }) => path.startsWith(`${exposed}/`))
      return route === undefined ? [] : [{ exposed, route }]
    })
  }

  /** Stops answering the paths that the application routes by now, and logs an error for each. */
  yieldTo(app: Pick<HonoLike, 'routes'>, log: Logger): void {
    for (const { exposed, route } of this.conflicts(app)) {
      this.#exposed = this.#exposed.filter(({ patterns }) => patterns[0] !== exposed)
      log.error(conflictOf(exposed, `${route.method} ${route.path}`).message)
    }
  }

  /** @returns the pattern of an exposed path; undefined for any other path */
  #patternOf(path: string): string | undefined {
    const exposed = this.#exposed.find(({ patterns: [own] }) => path === own || path.startsWith(`${own}/`))
    if (exposed === undefined || !isPlainPath(path)) return undefined
    return exposed.patterns[path === exposed.patterns[0] ? 0 : 1]
  }
}

export const conflictOf = (exposed: string, route: string) => coreError('EMBED_PATH_CONFLICT', { exposed, route })
