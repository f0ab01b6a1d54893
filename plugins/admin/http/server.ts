/** The whole API as one `fetch`: the gate, then the current routes. */
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import {
  type Contributed,
  createRouteMatcher,
  errorOf,
  headAsGet,
  type Logger,
  messageOf,
  type PluginClock,
  problemResponse,
  type RouteMatcher,
  requestIdOf,
} from '../../../core/plugin.ts'
import type { AdminEnv, AdminPages, AdminRoutes, AdminVariables } from '../api.ts'
import { adminError } from '../errors.ts'
import { type Gate, noAnswer, nobody } from '../guard/gate.ts'
import { securityHeaders } from '../guard/headers.ts'
import { problemAnswer, problemOf } from '../problem.ts'
import { compose, createApi, type Mounted, type Owners } from './compose.ts'
import { describe } from './describe.ts'
import type { Document } from './document.ts'
import { pageCaching } from './plugin-pages.ts'

export interface ServerOptions {
  readonly gate: Gate
  /** @param fault charges the plugin of the route */
  readonly startJob: (context: Context<AdminEnv>, fault: (error: unknown) => void) => AdminVariables['startJob']
  readonly version: string
  readonly log: Logger
  readonly clock: PluginClock
  routes(): readonly Contributed<AdminRoutes>[]
  pages(): readonly Contributed<AdminPages>[]
}

/** Gives the address of who sent a request. */
interface PeerSource {
  requestIP?(request: Request): { readonly address: string } | null
}

/** After a change; contributions that come and go are mounted together. */
const remountMs = 100

const isLogin = ({ req }: Context) => req.method === 'POST' && req.path === '/admin/session'
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

export class AdminServer {
  #composed: Promise<{ readonly app: ReturnType<typeof createApi>; readonly mounted: readonly Mounted[] }> | undefined
  #document: Promise<Document> | undefined
  #matcher: RouteMatcher | undefined
  #isOpen = false
  #isSoon = false
  /** Why contributions are left out. */
  #refused = new Map<Contributed<unknown>, string>()

  constructor(private readonly options: ServerOptions) {}

  /** Mounts what is contributed, from now on also after each change, so that a refusal does not wait for a request. */
  async open(): Promise<void> {
    this.#isOpen = true
    await this.#current()
  }

  /** Mounts anew: somebody's routes came or went. */
  invalidate(): void {
    this.#composed = undefined
    if (!this.#isOpen || this.#isSoon) return
    this.#isSoon = true
    this.options.clock.after(remountMs, async () => {
      this.#isSoon = false
      await this.#current()
    })
  }

  async document(): Promise<Document> {
    const { mounted } = await this.#current()
    this.#document ??= describe(mounted, this.options.version)
    return this.#document
  }

  /** The groups of operations, which keys are narrowed to. */
  async groups(): Promise<readonly string[]> {
    return [...((await this.document()).tags ?? []).map(({ name }) => name), 'pages']
  }

  async fetch(request: Request, server?: unknown): Promise<Response> {
    const { app } = await this.#current()
    return app.fetch(request, server as object)
  }

  #current() {
    this.#composed ??= this.#compose()
    return this.#composed
  }

  async #compose() {
    const { clock, log, routes, pages } = this.options
    const owners: Owners = new Map()
    const app = this.#front(owners)
    const given = [routes(), pages()] as const
    const errors = new Map<Contributed<unknown>, unknown>()
    const mounted = await compose(app, ...given, owners, errors, clock)
    const refused = new Map([...errors].map(([from, error]) => [from, messageOf(error)]))
    for (const from of given.flat()) {
      const reason = refused.get(from)
      if (reason !== undefined && reason !== this.#refused.get(from)) {
        const error = errors.get(from)
        log.error('admin routes or pages are left out', { plugin: from.plugin, error })
        from.fault(error)
      }
      from.hold(reason)
    }
    this.#refused = refused
    this.#document = undefined
    this.#matcher = createRouteMatcher(app as never)
    app.fetch = headAsGet(app.fetch)
    return { app, mounted }
  }

  #front(owners: Owners) {
    const { log } = this.options
    const api = createApi()
    api.use('*', (context, next) => this.#guard(context, next, (error) => this.#fault(owners, context, error)))
    api.notFound((context) => {
      const allow = this.#methodsOf(context.req.path)
      const requestId = context.get('requestId')
      if (allow.length === 0) {
        const details = { what: 'such path', where: 'GET /admin/openapi.json lists every path.' }
        return problemAnswer(adminError('ADMIN_NOT_FOUND', details), requestId)
      }
      const detail = `${context.req.method} is not one of ${allow.join(', ')}`
      const instance = `urn:request:${requestId}`
      return problemResponse({ status: 405, detail, code: 'HTTP_405', instance }, { allow: allow.join(', ') })
    })
    api.onError((error, context) => {
      const requestId = context.get('requestId') ?? requestIdOf(context.req.raw)
      if (problemOf(error).status === 500) {
        log.error('an admin route failed', { requestId, route: context.req.path.slice(0, 256), error })
        this.#fault(owners, context, error)
      }
      return problemAnswer(error, requestId)
    })
    return api
  }

  #methodsOf(path: string): readonly string[] {
    const matcher = this.#matcher
    if (matcher === undefined) return []
    return methods.filter((method) => matcher(method, path).some((route) => route.method !== 'ALL'))
  }

  /** Charges the plugin whose handler runs. */
  #fault(owners: Owners, context: Context<AdminEnv>, error: unknown): void {
    const { handler } = matchedRoutes(context).findLast(({ handler }) => owners.has(handler)) ?? {}
    owners.get(handler)?.fault(error)
  }

  async #guard(
    context: Context<AdminEnv>,
    next: () => Promise<void>,
    fault: (error: unknown) => void,
  ): Promise<Response | undefined> {
    const { gate, startJob } = this.options
    const requestId = requestIdOf(context.req.raw)
    const from = (context.env as PeerSource | undefined)?.requestIP?.(context.req.raw)?.address ?? 'local'
    context.set('requestId', requestId)
    const headers: Record<string, string> = { ...securityHeaders, 'x-request-id': requestId }
    const visitor = gate.identity.identify(context)
    if (visitor === undefined && (gate.identity.claims(context) || !isLogin(context)))
      return problemAnswer(await gate.refuse(context, from, requestId), requestId, headers)
    if (visitor !== undefined) {
      const quota = await gate.countRequest(visitor.principal)
      headers['RateLimit-Limit'] = String(quota.limit)
      headers['RateLimit-Remaining'] = String(quota.remaining)
      headers['RateLimit-Reset'] = String(quota.resetSeconds)
      if (quota.error !== undefined) return problemAnswer(quota.error, requestId, headers)
    }
    context.set('principal', visitor?.principal ?? nobody)
    context.set('from', from)
    context.set('csrf', visitor?.session?.csrf)
    context.set('note', {})
    context.set('startJob', startJob(context, fault))
    context.set('isStillIn', () => visitor === undefined || gate.identity.isStillIn(visitor))
    context.set('enter', (operation, inner, go) => gate.enter(operation, inner, go, visitor, from))
    const misplaced = gate.misplaced(context)
    if (misplaced !== undefined) return problemAnswer(misplaced, requestId, headers)
    // Hono passes only an Error to onError.
    await next().catch((thrown: unknown) => {
      throw errorOf(thrown)
    })
    // Reading the response of a route that returned nothing would make an empty 200.
    if (!context.finalized) throw noAnswer()
    const { headers: answered } = context.res
    // A page may have a policy of its own, which names its styles by their hashes, and may be kept by the browser.
    const policy = answered.get('content-security-policy')
    const isPage = answered.get('cache-control') === pageCaching
    for (const [name, value] of Object.entries(headers)) {
      if (name === 'content-security-policy' && policy !== null) continue
      if (name === 'cache-control' && isPage) continue
      answered.set(name, value)
    }
    return undefined
  }
}
