/** Answers what is exposed of Arkwatch under a prefix of the application's own listener, and nothing else. */
import { coreError } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import { type HonoRoute, isCatchAll } from './routes/hono-routes.ts'
import { RouteEntry } from './routes/route-entry.ts'
import { createRouteMatcher, type HonoLike } from './routes/route-matcher.ts'
import type { AnyFetch, RouteSource } from './routes/route-source.ts'
import type { RouteTable } from './routes/route-table.ts'

export interface MountOptions {
  /** The prefix, `/_ops`. */
  readonly at: string
  /** First segments under the prefix that are answered, `['livez', 'readyz']`. Nothing else is. */
  readonly expose: readonly string[]
  /** Arkwatch's own routes. */
  forward(request: Request): Response | Promise<Response>
}

interface Exposed {
  readonly name: string
  /** The route table's patterns: of the name itself, and of what is under it. */
  readonly patterns: readonly [string, string]
}

/** A path that the mount answers. */
interface OwnMatch {
  entry(method: string): RouteEntry
  /** What a Hono router gives for it. */
  readonly matchResult: readonly [readonly (readonly [readonly [unknown, unknown], unknown])[], readonly string[]]
}

const segment = /^[A-Za-z0-9._~-]+$/
const isPlain = (part: string) => segment.test(part) && part !== '.' && part !== '..'
const plainPath = /^(\/[A-Za-z0-9._~:@!$&'()*+,;=-]+)+$/

/** Whether a path means only itself: no empty or dotted segments, nothing encoded. */
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

  /** The paths that it answers. */
  get paths(): string[] {
    return this.#exposed.map(({ patterns }) => patterns[0])
  }

  /** @returns how to answer a path, or undefined: it is the application's */
  match(path: string): OwnMatch | undefined {
    if (!path.startsWith(this.#prefix)) return undefined
    const exposed = this.#exposed.find(({ patterns: [own] }) => path === own || path.startsWith(`${own}/`))
    if (exposed === undefined || !isPlainPath(path)) return undefined
    const pattern = exposed.patterns[path === exposed.patterns[0] ? 0 : 1]
    const rest = path.slice(this.#prefix.length - 1)
    const handler = (context: { req: { raw: Request } }) => this.answer(context.req.raw, rest)
    return {
      entry: (method) => new RouteEntry(this.table, method, pattern, true, false),
      matchResult: [[[[handler, { method: 'ALL', path: pattern, basePath: '/', handler }], {}]], []],
    }
  }

  /** Forwards a request with its path rewritten. */
  answer(request: Request, rest: string): Response | Promise<Response> {
    const url = new URL(request.url)
    url.pathname = rest
    return this.#forward(new Request(url.href, request))
  }

  /** @returns a fetch that answers what is exposed before the application sees it */
  before(application: AnyFetch, source: RouteSource): AnyFetch {
    return (request, env, context) => {
      const { url } = request
      if (!url.startsWith(this.#prefix, url.indexOf('/', url.indexOf('//') + 2)))
        return application(request, env, context)
      const path = new URL(url).pathname
      const own = this.match(path)
      if (own === undefined) return application(request, env, context)
      source.entry = own.entry(request.method)
      return this.answer(request, path.slice(this.#prefix.length - 1))
    }
  }

  /** What the application routes of the exposed paths, a bare catch-all aside. */
  conflicts(app: Pick<HonoLike, 'routes'>): { exposed: string; route: HonoRoute }[] {
    const matcher = createRouteMatcher(app)
    return this.#exposed.flatMap(({ patterns: [exposed] }) => {
      const route =
        matcher('GET', exposed).find(({ path }) => !isCatchAll(path)) ??
        app.routes.find(({ path }) => path.startsWith(`${exposed}/`))
      return route === undefined ? [] : [{ exposed, route }]
    })
  }

  /** Leaves to the application what it routes by now, with an error line for each. */
  yieldTo(app: Pick<HonoLike, 'routes'>, log: Logger): void {
    for (const { exposed, route } of this.conflicts(app)) {
      this.#exposed = this.#exposed.filter(({ patterns }) => patterns[0] !== exposed)
      log.error(conflictOf(exposed, `${route.method} ${route.path}`).message)
    }
  }
}

export const conflictOf = (exposed: string, route: string) => coreError('EMBED_PATH_CONFLICT', { exposed, route })
