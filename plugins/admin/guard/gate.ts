/** Who asks, and whether they may: the questions in front of every operation of the API, in their order. */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { type ArkwatchError, messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Audit, AuditEvent } from '../../audit/api.ts'
import type { ChangeNote, Operation, Principal } from '../api.ts'
import { adminError } from '../errors.ts'
import { readBody } from '../http/body.ts'
import type { Idempotency } from '../http/idempotency.ts'
import { problemOf } from '../http/problem.ts'
import type { Keyring } from '../keys/keyring.ts'
import { type AccessLevel, levelOf, refusalOf } from '../roles.ts'
import { hasCsrf, type Session, type Sessions } from '../sessions.ts'
import { allowsHost, allowsOrigin, type HostRules } from './hosts.ts'
import type { Limits, Quota } from './limits.ts'

export interface GateSettings extends HostRules {
  readonly endpoints: Readonly<Record<string, AccessLevel>>
  readonly maxAccess: AccessLevel
}

export interface GateOptions {
  readonly keyring: Keyring
  readonly sessions: Sessions
  readonly audit: Audit
  readonly idempotency: Idempotency
  readonly log: Logger
  limits(): Limits
  settings(): GateSettings
  /** Whether a plugin is up. */
  hasPlugin(name: string): boolean
}

/** Who asks, and how they said so. */
export interface Visitor {
  readonly principal: Principal
  /** Where a cookie said so. */
  readonly session?: Session
}

export const sessionCookie = 'arkwatch_session'
export const secureSessionCookie = '__Host-arkwatch_session'
const safeMethods = ['GET', 'HEAD', 'OPTIONS']
/** Who has not said who they are. */
export const nobody: Principal = { name: 'anonymous', keyId: '', role: 'viewer', scopes: [] }

const bearer = (header: string | undefined) => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]

export class Gate {
  constructor(private readonly options: GateOptions) {}

  /** The keys that a request sends: all must be right, so that a second one cannot be tried along with a valid one. */
  #sent(context: Context): { readonly keys: readonly string[]; readonly cookie: string | undefined } {
    const authorization = context.req.header('authorization')
    const named = context.req.header('x-admin-key')
    const keys = [
      ...(authorization === undefined ? [] : [bearer(authorization) ?? '']),
      ...(named === undefined ? [] : [named]),
    ]
    return { keys, cookie: getCookie(context, secureSessionCookie) ?? getCookie(context, sessionCookie) }
  }

  /** @returns who asks, or undefined */
  identify(context: Context): Visitor | undefined {
    const { keyring, sessions } = this.options
    const { keys, cookie } = this.#sent(context)
    if (keys.length > 0) {
      const found = keys.map((key) => keyring.verify(key))
      const [principal] = found
      return principal !== undefined && found.every((each) => each?.keyId === principal.keyId)
        ? { principal }
        : undefined
    }
    const session = cookie === undefined ? undefined : sessions.use(cookie)
    if (session === undefined || !keyring.isValid(session.principal.keyId)) return undefined
    return { principal: session.principal, session }
  }

  /** Whether a request carries anything that claims to be somebody. */
  claims(context: Context): boolean {
    const { keys, cookie } = this.#sent(context)
    return keys.length > 0 || cookie !== undefined
  }

  /** Counts and records a failed attempt. @returns the error to answer with */
  async refuse(
    context: Context,
    from: string,
    requestId: string,
  ): Promise<{ error: ArkwatchError; headers: Record<string, string> }> {
    const locked = await this.options.limits().failure(from)
    await this.#record(
      { principal: { name: nobody.name, role: 'none' }, action: 'auth.failed', from, requestId, ...pathOf(context) },
      locked === undefined ? 'denied' : 'locked-out',
    )
    if (locked !== undefined)
      return { error: adminError('ADMIN_LOCKED_OUT'), headers: { 'retry-after': String(locked) } }
    return { error: adminError('ADMIN_UNAUTHORIZED'), headers: { 'www-authenticate': 'Bearer realm="arkwatch"' } }
  }

  /** What cannot be put on record is still refused; only the record is missing, and said to be. */
  async #record(event: AuditEvent, outcome: string): Promise<void> {
    await this.options.audit
      .record(event, outcome)
      .catch((error) => this.options.log.error('a refusal is not on record', { error }))
  }

  /** @throws AUDIT_UNAVAILABLE */
  async recordLogin({ name, role }: Principal, from: string, requestId: string): Promise<void> {
    const where = { method: 'POST', route: '/admin/session' }
    await this.options.audit.record(
      { principal: { name, role }, action: 'session.open', from, requestId, ...where },
      'ok',
    )
  }

  /** Counts a request of somebody known. @throws ADMIN_RATE_LIMITED */
  async countRequest({ name }: Principal): Promise<Quota> {
    return this.options.limits().request(name)
  }

  /** Why a request may not be answered at the host, or for the page, that it names. */
  misplaced(context: Context): ArkwatchError | undefined {
    const rules = this.options.settings()
    if (!allowsHost(context.req.header('host') ?? new URL(context.req.url).host, rules))
      return adminError('ADMIN_HOST_REFUSED')
    return allowsOrigin(context.req.header('origin'), rules) ? undefined : adminError('ADMIN_ORIGIN_REFUSED')
  }

  /**
   * Lets a request into an operation, on record where it changes something.
   * @throws ADMIN_NOT_FOUND for what is closed, ADMIN_FORBIDDEN, ADMIN_CSRF, ADMIN_PLUGIN_MISSING, ADMIN_BODY, AUDIT_UNAVAILABLE
   */
  async enter(
    operation: Operation,
    context: Context,
    next: () => Promise<void>,
    visitor: Visitor | undefined,
    from: string,
  ): Promise<Response | undefined> {
    const { endpoints, maxAccess } = this.options.settings()
    const group = operation.id.split('.')[0]!
    const method = context.req.method
    const isSafe = safeMethods.includes(method)
    const level = levelOf(group, endpoints, maxAccess)
    if (level === 'none' || (level === 'read-only' && !isSafe && operation.readOnly !== true))
      throw adminError('ADMIN_NOT_FOUND', { what: 'such operation: it is closed by plugins.admin.endpoints' })
    if (operation.access === 'public') {
      await readBody(context.req)
      await next()
      return undefined
    }
    if (visitor === undefined) throw adminError('ADMIN_UNAUTHORIZED')
    const { principal, session } = visitor
    const requestId = context.get('requestId') as string
    const base: AuditEvent = {
      principal: { name: principal.name, role: principal.role },
      action: operation.id,
      from,
      requestId,
      ...pathOf(context),
    }
    const refusal = refusalOf(principal, { access: operation.access, group })
    if (refusal !== undefined) {
      await this.#record(base, 'denied')
      const asked = refusal === 'role' ? `the role ${operation.access}` : `the scope ${group}`
      throw adminError('ADMIN_FORBIDDEN', { role: principal.role, operation: operation.id, access: asked })
    }
    if (session !== undefined && !isSafe && !hasCsrf(session, context.req.header('x-csrf-token'))) {
      await this.#record(base, 'denied')
      throw adminError('ADMIN_CSRF')
    }
    if (operation.plugin !== undefined && !this.options.hasPlugin(operation.plugin))
      throw adminError('ADMIN_PLUGIN_MISSING', { plugin: operation.plugin })
    const body = isSafe ? '' : await readBody(context.req)
    const run = () => this.#onRecord(operation, context, next, base, isSafe)
    const key = context.req.header('idempotency-key')
    if (method !== 'POST' || key === undefined) return run()
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      throw adminError('ADMIN_BODY', { reason: 'Idempotency-Key is 1-255 printable characters' })
    return this.options.idempotency.once(principal.keyId, key, [method, context.req.url, body], run)
  }

  async #onRecord(
    operation: Operation,
    context: Context,
    next: () => Promise<void>,
    base: AuditEvent,
    isSafe: boolean,
  ): Promise<Response> {
    if (isSafe || operation.readOnly === true) {
      if (operation.sensitive === true) await this.options.audit.record(base, 'read')
      await next()
      return context.res
    }
    const note: ChangeNote = {}
    context.set('note', note)
    const target = context.req.param('name') ?? context.req.param('id')
    const settle = await this.options.audit.begin({ ...base, ...(target !== undefined && { target }) })
    await next()
    const thrown = context.error
    const outcome =
      thrown === undefined ? (context.res.status < 400 ? 'ok' : `http ${context.res.status}`) : problemOf(thrown).code
    const after = note.before === undefined && note.after === undefined && note.target === undefined ? undefined : note
    await settle(outcome, after).catch((error) => {
      // The intent is on record already; what is missing is how it ended.
      this.options.log.error('the outcome of a change is not on record', {
        operation: operation.id,
        error: messageOf(error),
      })
    })
    return context.res
  }
}

const pathOf = (context: Context) => ({ method: context.req.method, route: context.req.path.slice(0, 256) })
