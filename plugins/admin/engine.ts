/** The parts of the admin API put together. */
import { join } from 'node:path'
import type { Context } from 'hono'
import {
  type Contributed,
  type Extensions,
  type Logger,
  type PluginClock,
  type RunState,
  type Runtime,
  readOrMakeSecret,
  readSecretFile,
  type StopReason,
} from '../../core/plugin.ts'
import type { Audit } from '../audit/api.ts'
import type { Health } from '../health/api.ts'
import type { Host } from '../host/api.ts'
import type { Logging } from '../logging/api.ts'
import type { Metrics } from '../metrics/api.ts'
import type { Store } from '../store/api.ts'
import type { AdminEnv, AdminPages, AdminRoutes, AdminVariables, EventTopic } from './api.ts'
import { AdminArea } from './area.ts'
import type { AdminConfig } from './config.ts'
import { Gate } from './guard/gate.ts'
import { type LimitOptions, Limits } from './guard/limits.ts'
import { type SessionLimits, Sessions } from './guard/sessions.ts'
import { BodyReader } from './http/body.ts'
import { Idempotency } from './http/idempotency.ts'
import { OwnListener } from './http/listener.ts'
import { AdminServer } from './http/server.ts'
import { Jobs } from './jobs.ts'
import { madeKey, makeKey } from './keys/key.ts'
import { keyTable } from './keys/key-table.ts'
import { Keyring } from './keys/keyring.ts'
import { ownRoutes } from './routes/index.ts'
import { shownJob } from './routes/jobs.ts'
import { runCommand } from './run-command.ts'
import { Samples } from './samples.ts'
import { listenerOf, StreamCounts } from './streams/event-stream.ts'
import { ownTopics } from './streams/own-topics.ts'
import { Topics } from './streams/topics.ts'

export interface AdminInstanceOptions {
  readonly config: AdminConfig
  readonly runtime: Runtime
  readonly store: Store
  readonly audit: Audit
  readonly health: Health | undefined
  readonly host: Host | undefined
  readonly logging: Logging | undefined
  readonly metrics: Metrics | undefined
  readonly contributed: {
    readonly routes: Extensions<AdminRoutes>
    readonly pages: Extensions<AdminPages>
    readonly topics: Extensions<EventTopic>
  }
  readonly clock: PluginClock
  readonly log: Logger
  report(state: RunState, reason?: string): void
  readonly dataDir: string
  readonly signal: AbortSignal
  readonly inherited: Inherited | undefined
}

/** The state that outlives a change of the configuration. */
export interface Inherited {
  readonly sessions: Sessions
  readonly idempotency: Idempotency
  /** The current audit log, also for requests that the previous instance still answers. */
  readonly audit: { current: Audit }
  /** Counts of requests and failures, so that a restart of a neighbour ends no lock-out. */
  readonly limits: { options: string; current: Limits }
}

const dayMs = 86_400_000
const flushMs = 60_000

export class AdminInstance {
  readonly server: AdminServer
  readonly streams = new StreamCounts()
  readonly jobs: Jobs
  readonly inherited: Inherited
  readonly bodies: BodyReader
  readonly gate: Gate
  #keyring: Keyring | undefined
  readonly #area: AdminArea
  readonly #samples: Samples
  readonly #listener: OwnListener | undefined
  readonly #limits: Limits
  readonly #sessionLimits: () => SessionLimits

  /** Opens nothing. */
  constructor(private readonly options: AdminInstanceOptions) {
    const { config, runtime, store, audit, clock, log, dataDir, contributed, inherited } = options
    const { session, rateLimit, lockout, systemMetrics } = config
    this.#sessionLimits = () => ({ idleMs: session.idle, absoluteMs: session.absolute, max: session.max })
    const limits: LimitOptions = {
      requests: rateLimit.requests,
      windowMs: rateLimit.window,
      failures: lockout.failures,
      failureWindowMs: lockout.window,
      maxLockoutMs: lockout.max,
    }
    const asked = JSON.stringify(limits)
    this.#limits = inherited?.limits.options === asked ? inherited.limits.current : new Limits(limits)
    this.inherited = {
      sessions: inherited?.sessions ?? new Sessions(this.#sessionLimits, clock.now),
      idempotency: inherited?.idempotency ?? new Idempotency(dayMs, clock.now),
      audit: inherited?.audit ?? { current: audit },
      limits: { options: asked, current: this.#limits },
    }
    this.resume()
    this.#area = new AdminArea(store, { jobsMs: 30 * dayMs, samplesMs: systemMetrics.retention })
    this.jobs = new Jobs({ area: this.#area, log, clock })
    this.#samples = new Samples({ area: this.#area, host: options.host, dataDir, now: clock.now })
    const topics = new Topics(ownTopics({ ...options, samples: this.#samples }), contributed.topics, log)
    this.bodies = new BodyReader(clock)
    const gate = new Gate({
      keyring: () => this.keyring,
      audit: () => this.inherited.audit.current,
      sessions: this.inherited.sessions,
      idempotency: this.inherited.idempotency,
      log,
      bodies: this.bodies,
      limits: this.#limits,
      settings: { ...config, isUnix: config.listen?.unix !== undefined, bound: config.listen?.host },
      hasPlugin: (name) => this.#isUp(name),
    })
    this.gate = gate
    const own = () =>
      ownRoutes({
        ...options,
        gate,
        keyring: this.keyring,
        sessions: this.inherited.sessions,
        sessionMs: session.absolute,
        jobs: this.jobs,
        samples: this.#samples,
        counts: this.streams,
        maxStreams: () => config.maxStreams,
        listener: () => listenerOf(runtime.status(), config),
        topics,
        server: this.server,
        services: Object.keys(config.services),
        restartService: (name) => this.#restartService(name),
        isUp: (name) => this.#isUp(name),
      })
    this.server = new AdminServer({
      gate,
      startJob: (context, fault) => this.#startJob(context, fault),
      version: runtime.status().version,
      log,
      clock,
      routes: () => [
        ...own().map((value): Contributed<AdminRoutes> => ({ plugin: 'admin', value, fault() {}, hold() {} })),
        ...contributed.routes.all,
      ],
      pages: () => contributed.pages.all,
    })
    for (const point of Object.values(contributed)) point.onChange(() => this.server.invalidate())
    if (config.listen !== undefined) {
      const fetch = (request: Request, server: unknown) => this.server.fetch(request, server)
      this.#listener = new OwnListener({ ...options, listen: config.listen, fetch })
    }
  }

  get keyring(): Keyring {
    if (this.#keyring === undefined) throw new Error('the admin plugin has not started')
    return this.#keyring
  }

  /** Takes over, also again after a successor could not start. */
  resume(): void {
    this.inherited.audit.current = this.options.audit
    this.inherited.sessions.limits = this.#sessionLimits
  }

  /** For `GET /metrics` as JSON. */
  latestMetrics(): Promise<unknown> {
    return this.#samples.latest()
  }

  #isUp(name: string): boolean {
    const plugin = this.options.runtime.status().plugins.find((each) => each.name === name)
    return plugin?.state === 'ok' || plugin?.state === 'degraded'
  }

  #startJob(context: Context<AdminEnv>, fault: (error: unknown) => void): AdminVariables['startJob'] {
    return async (kind, run) => {
      const job = await this.jobs.start(kind, context.var.principal.name, run, fault)
      Object.assign(context.var.note, { target: job.id })
      return context.json(shownJob(job), 202, { location: `/admin/jobs/${job.id}` })
    }
  }

  async #restartService(name: string): Promise<number> {
    const { config, clock, log } = this.options
    return runCommand(name, config.services[name]!, clock, (output) =>
      log.info('a service was restarted', { service: name, output }),
    )
  }

  /** @throws SECRET_FILE, STORE_MIGRATION_FAILED, LISTEN_FAILED, ADMIN_TLS */
  async start(): Promise<void> {
    const { clock, config, dataDir, log } = this.options
    const pepperFile = join(dataDir, 'admin.pepper')
    const { text: pepper, made } = readOrMakeSecret(pepperFile, () => makeKey().text, madeKey)
    const groups = () => this.server.groups()
    const keyring = new Keyring({ table: keyTable(this.#area), pepper, groups, now: clock.now })
    this.#keyring = keyring
    keyring.onRevoke((id) => this.inherited.sessions.closeOf(id))
    if (config.apiKey) keyring.adopt(config.apiKey, { name: 'ADMIN_API_KEY', role: 'admin', source: 'config' })
    await this.#area.openSoon(clock, async () => {
      await keyring.load()
      const keys = keyring.list().filter(({ source }) => source === 'store').length
      if (made && keys > 0)
        log.error('the pepper of the stored keys is missing: no stored key is valid', { file: pepperFile, keys })
      await this.jobs.recover()
    })
    this.#keyOfFile(keyring)
    clock.every(flushMs, () => keyring.flush(30 * dayMs))
    clock.every(flushMs, () => this.gate.recordLockedOut())
    clock.every(config.systemMetrics.every, () => this.#samples.take(), { monitoring: true, immediate: true })
    await this.#listener?.start()
  }

  /** Without any key nobody could get in: a key is made, in a file for the owner alone. */
  #keyOfFile(keyring: Keyring): void {
    const { config, dataDir, log } = this.options
    if (config.apiKey) return
    const file = join(dataDir, 'admin.key')
    if (readSecretFile(file) === undefined && keyring.size > 0) return
    const { text, made } = readOrMakeSecret(file, () => makeKey().text)
    keyring.adopt(text, { name: 'admin.key', role: 'admin', source: 'file' })
    if (made) log.warn('a key for the admin API was made, since there was none', { file })
  }

  /** @param reason `reload`: does not wait for the listener to close: one of its requests may be the reload */
  async stop(reason: StopReason): Promise<void> {
    const closed = this.#listener?.stop()
    if (reason !== 'reload') await closed
    await this.gate.recordLockedOut()
    await this.jobs.stop()
    await this.#keyring?.flush(30 * dayMs).catch(() => {})
  }
}
