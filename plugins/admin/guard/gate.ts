/** The gate of the API: identifies every caller, checks what the caller may do, and records changes. */
import type { Context } from 'hono'
import { type ArkwatchError, type Logger, messageOf } from '../../../core/plugin.ts'
import type { Audit, AuditEvent } from '../../audit/api.ts'
import type { ChangeNote, Operation, Principal } from '../api.ts'
import { adminError } from '../errors.ts'
import type { BodyReader } from '../http/body.ts'
import type { Idempotency } from '../http/idempotency.ts'
import { problemOf } from '../problem.ts'
import { AttemptCounts } from './attempt-counts.ts'
import { allowsHost, allowsOrigin, type HostRules } from './hosts.ts'
import { Identity, type IdentityOptions, type Visitor } from './identity.ts'
import type { Limits, Quota } from './limits.ts'
import { type AccessLevel, levelOf, refusalOf } from './roles.ts'
import { hasCsrf } from './sessions.ts'

export interface GateSettings extends HostRules {
  /** The listener is a Unix socket, which no network and no browser reaches. */
  readonly isUnix?: boolean
  readonly endpoints: Readonly<Record<string, AccessLevel>>
  readonly maxAccess: AccessLevel
}

export interface GateOptions extends IdentityOptions {
  /** The audit log of the moment, which a change may replace. */
  audit(): Audit
  readonly idempotency: Idempotency
  readonly log: Logger
  readonly bodies: BodyReader
  readonly limits: Limits
  readonly settings: GateSettings
  hasPlugin(name: string): boolean
}

const safeMethods = ['GET', 'HEAD', 'OPTIONS']
/** The caller of a request without a valid key. */
export const nobody: Principal = { name: 'anonymous', keyId: '', role: 'viewer', scopes: [] }

const failed = { principal: { name: nobody.name, role: 'none' }, action: 'auth.failed' }

export class Gate {
  failures = 0
  readonly #lockedOut = new AttemptCounts()

  readonly identity: Identity

  constructor(private readonly options: GateOptions) {
    this.identity = new Identity(options)
  }

  /** Counts and records a failed attempt. @returns the error to answer with */
  async refuse(context: Context, from: string, requestId: string): Promise<ArkwatchError> {
    this.failures += 1
    const locked = await this.options.limits.failure(from)
    const event = { ...failed, from, requestId, ...pathOf(context) }
    // A flood of attempts must not fill the audit log: the attempts of a lock-out are recorded together.
    if (locked === undefined) await this.#record(event, 'denied')
    else if (locked.begins) await this.#record(event, 'locked-out')
    else this.#lockedOut.add(from)
    // A body that nobody reads is not waited for either.
    const close = safeMethods.includes(context.req.method) ? {} : { connection: 'close' }
    return locked === undefined
      ? adminError('ADMIN_UNAUTHORIZED', { headers: { ...close, 'www-authenticate': 'Bearer realm="arkwatch"' } })
      : adminError('ADMIN_LOCKED_OUT', { headers: { ...close, 'retry-after': String(locked.seconds) } })
  }

  /** Records the attempts that were made during lock-outs, one line for each address. */
  async recordLockedOut(): Promise<void> {
    for (const [from, count] of this.#lockedOut.take()) {
      const target = `${count} more attempt${count === 1 ? '' : 's'}`
      await this.#record({ ...failed, target, from, requestId: 'lock-out' }, 'locked-out')
    }
  }

  /** A refusal that cannot be recorded is still a refusal; the log names the missing record. */
  async #record(event: AuditEvent, outcome: string): Promise<void> {
    await this.options
      .audit()
      .record(event, outcome)
      .catch((error) => this.options.log.error('a refusal is not on record', { error }))
  }

  /** @throws AUDIT_UNAVAILABLE */
  async recordLogin({ name, role }: Principal, from: string, requestId: string): Promise<void> {
    const where = { method: 'POST', route: '/admin/session' }
    await this.options
      .audit()
      .record({ principal: { name, role }, action: 'session.open', from, requestId, ...where }, 'ok')
  }

  /** Counts a request of an identified caller. @returns the quota, and the error to answer with when none is left */
  async countRequest({ name }: Principal): Promise<Quota & { readonly error: ArkwatchError | undefined }> {
    const quota = await this.options.limits.request(name)
    const headers = { 'retry-after': String(quota.resetSeconds) }
    const details = { name, limit: quota.limit, seconds: quota.windowSeconds, headers }
    return { ...quota, error: quota.allowed ? undefined : adminError('ADMIN_RATE_LIMITED', details) }
  }

  /** Why a request is refused for its Host or Origin; undefined when the request is not. */
  misplaced(context: Context): ArkwatchError | undefined {
    const rules = this.options.settings
    if (rules.isUnix) return undefined
    if (!allowsHost(context.req.header('host') ?? new URL(context.req.url).host, rules))
      return adminError('ADMIN_HOST_REFUSED')
    return allowsOrigin(context.req.header('origin'), rules) ? undefined : adminError('ADMIN_ORIGIN_REFUSED')
  }

  /**
   * Lets a request into an operation:
   * 1. the level of the operation's group must allow the method;
   * 2. the caller must be identified, unless the operation is public;
   * 3. the role and the scopes of the caller must allow the operation;
   * 4. a change within a browser session must carry the CSRF token;
   * 5. the plugin that the operation needs must be up;
   * 6. the body of a change is read within its limits;
   * 7. a POST with an Idempotency-Key runs once;
   * 8. a change, or a sensitive read, is recorded before the handler runs.
   * @throws ADMIN_NOT_FOUND if closed, ADMIN_FORBIDDEN, ADMIN_CSRF, ADMIN_PLUGIN_MISSING, ADMIN_BODY, AUDIT_UNAVAILABLE
   */
  async enter(
    operation: Operation,
    context: Context,
    next: () => Promise<void>,
    visitor: Visitor | undefined,
    from: string,
  ): Promise<Response | undefined> {
    const { endpoints, maxAccess } = this.options.settings
    const group = operation.id.split('.')[0]!
    const method = context.req.method
    const isSafe = safeMethods.includes(method)
    const level = levelOf(group, endpoints, maxAccess)
    if (level === 'none' || (level === 'read-only' && !isSafe && operation.readOnly !== true))
      throw adminError('ADMIN_NOT_FOUND', {
        what: 'such operation: it is closed',
        where: `\`plugins.admin.endpoints.${group}\` and \`plugins.admin.maxAccess\` open and close it, in config.yaml.`,
      })
    if (operation.access === 'public') {
      await this.options.bodies.read(context.req, visitor?.principal, from)
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
    const body = isSafe ? '' : await this.options.bodies.read(context.req, principal, from)
    const run = () => this.#onRecord(operation, context, next, base, isSafe)
    const key = context.req.header('idempotency-key')
    if (method !== 'POST' || key === undefined) return run()
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      throw adminError('ADMIN_BODY', { reason: 'Idempotency-Key is 1-255 printable characters' })
    const answered = async () => {
      const answer = await run()
      if (answer === undefined) throw noAnswer()
      return answer
    }
    return this.options.idempotency.once(principal.keyId, key, [method, context.req.url, body], answered)
  }

  async #onRecord(
    operation: Operation,
    context: Context,
    next: () => Promise<void>,
    base: AuditEvent,
    isSafe: boolean,
  ): Promise<Response | undefined> {
    if (isSafe || operation.readOnly === true) {
      if (operation.sensitive === true) await this.options.audit().record(base, 'read')
      await next()
      return answerOf(context)
    }
    const note: ChangeNote = {}
    context.set('note', note)
    const target = context.req.param('name') ?? context.req.param('id')
    const event = { ...base, ...(target !== undefined && { target }) }
    const settle = await this.options.audit().begin(event)
    await next()
    const thrown = context.error ?? (context.finalized ? undefined : noAnswer())
    const outcome =
      thrown === undefined ? (context.res.status < 400 ? 'ok' : `http ${context.res.status}`) : problemOf(thrown).code
    const after = note.before === undefined && note.after === undefined && note.target === undefined ? undefined : note
    await settle(outcome, after).catch((error) => {
      // The intent is recorded already; the outcome is missing.
      const fields = { operation: operation.id, error: messageOf(error) }
      this.options.log.error('the outcome of a change is not on record', fields)
    })
    return answerOf(context)
  }
}

/** The fault of a route that gave no answer. */
export const noAnswer = () => new TypeError('a route returned nothing: `return` the Response')

/** A stream enters for its topics before its answer: without an answer, reading `res` would make an empty 200. */
const answerOf = (context: Context) => (context.finalized ? context.res : undefined)

const pathOf = (context: Context) => ({ method: context.req.method, route: context.req.path.slice(0, 256) })
