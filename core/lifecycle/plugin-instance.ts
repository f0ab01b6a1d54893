/**
 * One plugin with one config: the state, the parts, and the undos.
 * Over 250 lines because every phase moves the same private state.
 */
import type { PluginSection } from '../config/types.ts'
import type { Handover, PluginParts, RequestParts, StopReason } from '../contract/definition.ts'
import { ArkwatchError, coreError, errorOf, messageOf } from '../contract/errors.ts'
import { guardListeners } from '../contract/foreign/guarded-signal.ts'
import type { Logger } from '../contract/logger.ts'
import { isUp, moveState, type PluginState } from '../contract/plugin-state.ts'
import { show } from '../contract/redact/redactor.ts'
import type { Contribution, TokenMap } from '../contract/tokens.ts'
import { withDeadline } from '../process/deadline.ts'
import { checkContribution, checkHandover, checkParts, checkRequestParts } from './check-parts.ts'
import { Cleanups } from './cleanups.ts'
import { createContext, type InstanceEnvironment, type Services } from './plugin-context.ts'
import { PluginFaults } from './plugin-faults.ts'
import { StateLog } from './state-log.ts'

type Phase = 'start' | 'ready' | 'stop'
const defaultDeadlines: Record<Phase, number> = { start: 10_000, ready: 10_000, stop: 5_000 }

/** What stands for the routes among the contributions that are refused. */
const routesContribution: Contribution = { point: 'routes', value: undefined }

/**
 * The states of one instance: `starting`, then `ok` or `degraded`, then `stopping` and `stopped`; `failed` from any
 * phase. The generation decides when a phase runs; the instance bounds its time and undoes everything at the end.
 */
export class PluginInstance {
  startMs = 0
  startedAtMs: number | undefined
  errors = 0
  cpuMs = 0
  taskMs = 0
  parts: PluginParts<unknown, TokenMap> = {}
  /** The services by id, once `start` succeeded. */
  services: Services = new Map()
  /** The routes and hooks in force after the next swap. */
  requestParts: RequestParts = {}
  readonly #scope = new Cleanups()
  readonly #controller = new AbortController()
  readonly silentThreads = new Set<string>()
  readonly #contributions = new Map<Contribution, (() => void) | undefined>()
  readonly #log: Logger
  #active = false
  #stopping: Promise<boolean> | undefined
  /** The phase in progress, other than `stop`. */
  #phase: Promise<void> | undefined
  readonly #faults: PluginFaults
  #routesRefused: string | undefined
  readonly #stateLog: StateLog

  /** @param state `disabled` or `blocked` for an instance that never starts */
  constructor(
    public section: PluginSection,
    private readonly host: InstanceEnvironment,
    public state: PluginState = 'starting',
    public reason = '',
  ) {
    this.#log = host.logger(section.name)
    this.#faults = new PluginFaults(host.clock, () => this.#settle())
    this.#stateLog = new StateLog(section.name, host.clock, this.#log)
  }

  get name(): string {
    return this.section.name
  }

  get definition() {
    return this.section.definition
  }

  #move(to: PluginState, reason = ''): void {
    this.state = moveState(this.name, this.state, to)
    this.reason = reason
  }

  /**
   * Counts and logs an error of a timer, hook, route or contribution, and turns the plugin degraded for a minute.
   * @param logsRepeats whether the fault in force is logged again: a collector may fail at every scrape
   */
  fault(phase: string, error: unknown, logsRepeats = true): void {
    this.errors += 1
    const fault = `${phase} threw: ${messageOf(error)}`
    if (logsRepeats || fault !== this.#faults.last) this.#logFault(`${phase} of plugin ${this.name} threw`, error)
    if (isUp(this.state)) this.#faults.add(fault)
  }

  #logFault(message: string, error: unknown): void {
    const { linesLeft } = this.#faults
    if (linesLeft > 0) this.#log.error(message, { error })
    if (linesLeft === 1) this.#log.warn(`further faults of plugin ${this.name} are counted, not logged, for a minute`)
  }

  /** @throws PLUGIN_INVALID */
  report(state: 'ok' | 'degraded', reason: unknown = ''): void {
    if (state !== 'ok' && state !== 'degraded') {
      const what = `it reported the state ${show(state)}: expected "ok" or "degraded"`
      throw coreError('PLUGIN_INVALID', { plugin: this.name, what })
    }
    this.#faults.report(state === 'degraded' ? messageOf(reason) || 'degraded' : undefined)
  }

  /** Keeps the plugin degraded until the reason of this source is undefined. */
  hold(source: object, reason: string | undefined): void {
    this.#faults.hold(source, reason)
  }

  /** Degraded while a reason holds or the plugin reports so, or for a minute after a fault. */
  #settle(): void {
    if (!isUp(this.state)) return
    const { reason } = this.#faults
    const state = reason === undefined ? 'ok' : 'degraded'
    if (state === this.state && (reason ?? '') === this.reason) return
    this.#move(state, reason)
    this.#stateLog.changed(reason)
  }

  /** @throws PLUGIN_INVALID */
  contribute(contributed: Contribution): () => void {
    const contribution = checkContribution(this.name, contributed)
    this.#contributions.set(contribution, this.#active ? this.#publish(contribution) : undefined)
    return () => {
      this.#contributions.get(contribution)?.()
      this.#contributions.delete(contribution)
    }
  }

  #publish(contribution: Contribution): () => void {
    const { point } = contribution
    // Of the owner of the point: the registry has a reason of its own.
    const owner = {}
    const remove = this.host.registry.add(contribution, {
      plugin: this.name,
      fault: (error) => this.fault(`a contribution to ${point}`, error, false),
      hold: (reason) => this.hold(owner, reason),
      refused: (what) => this.#refused(contribution, what),
    })
    return () => {
      remove()
      for (const source of [owner, contribution]) this.hold(source, undefined)
    }
  }

  /** @param what why the routes are left out; undefined where they are not */
  refuseRoutes(what: string | undefined): void {
    if (what === this.#routesRefused) return
    this.#routesRefused = what
    this.#refused(routesContribution, what)
  }

  #refused(contribution: Contribution, what: string | undefined): void {
    const error = what && coreError('CONTRIBUTION_REFUSED', { plugin: this.name, point: contribution.point, what })
    this.hold(contribution, error ? error.message : undefined)
    if (!error) return
    this.errors += 1
    this.#logFault(error.message, error)
  }

  /** @param phase the phase as an error names it; the deadline is the one of `limit` */
  async #inTime<T>(limit: Phase, work: () => T | Promise<T>, phase: string = limit): Promise<T> {
    const timeoutMs = this.definition.deadlines?.[limit] ?? defaultDeadlines[limit]
    const late = () => {
      const [silent] = limit === 'stop' ? [] : this.silentThreads
      const what = `the thread ${silent} has not sent its first message, by serveRequests or announceReady`
      const waits = silent === undefined ? '' : `: ${what}`
      return coreError('PLUGIN_TIMEOUT', { plugin: this.name, phase, timeoutMs, waits })
    }
    const ended = Promise.withResolvers<void>()
    if (phase !== 'stop') this.#phase = ended.promise
    try {
      return await withDeadline((async () => work())(), timeoutMs, this.host.clock, late)
    } finally {
      ended.resolve()
      if (this.#phase === ended.promise) this.#phase = undefined
    }
  }

  /** An error of the runtime names plugin and phase already. */
  #failed(phase: string, thrown: unknown): Error {
    const error = errorOf(thrown)
    if (error instanceof ArkwatchError && error.details.plugin === this.name) return error
    return coreError('PLUGIN_FAILED', { plugin: this.name, phase, reason: error.message }, error)
  }

  #checkServices(): void {
    const names = (services: object = {}) => Object.keys(services).sort().join(', ')
    const declared = names(this.definition.provides)
    const returned = names(this.parts.services)
    if (declared !== returned) throw coreError('PLUGIN_SERVICES_MISMATCH', { plugin: this.name, declared, returned })
  }

  /** Reads each service once. */
  #readServices(): Services {
    const tokens = Object.entries((this.definition.provides ?? {}) as TokenMap)
    const returned = this.parts.services as Readonly<Record<string, unknown>> | undefined
    return new Map(tokens.map(([key, { id }]) => [id, returned?.[key]]))
  }

  #checkPackages(): void {
    for (const name of this.definition.packages ?? []) {
      try {
        import.meta.resolve(name)
      } catch (cause) {
        throw coreError('PACKAGE_MISSING', { plugin: this.name, package: name }, cause)
      }
    }
  }

  /**
   * Sets up and starts.
   * @throws PLUGIN_FAILED, PLUGIN_TIMEOUT; everything that was opened is then undone and the state is `failed`
   */
  async start(services: Services, inherited?: unknown): Promise<void> {
    const startedMs = this.host.clock.monotonic()
    let phase = 'setup'
    try {
      const context = createContext(this, {
        ...{ host: this.host, section: this.section, services, inherited },
        ...{ scope: this.#scope, log: this.#log },
        signal: guardListeners(this.#controller.signal, (error) => this.fault('a listener of the signal', error)),
        isSettingUp: () => phase === 'setup',
      })
      this.parts = checkParts(this.name, this.definition.setup(context as never))
      const { routes, hooks } = this.parts
      this.requestParts = { routes, hooks }
      this.#checkServices()
      for (const contribution of this.parts.contributes ?? []) this.contribute(contribution)
      phase = 'start'
      this.#checkPackages()
      await this.#inTime('start', () => this.parts.start?.())
      this.services = this.#readServices()
      this.startMs = this.host.clock.monotonic() - startedMs
      this.startedAtMs = this.host.clock.now()
      this.#move('ok')
      this.#settle()
    } catch (error) {
      throw await this.fail(this.#failed(phase, error))
    }
  }

  /** Stops and undoes the instance, which stays `failed`. @returns the error */
  async fail(error: Error): Promise<Error> {
    if (this.#stopping !== undefined) {
      // `signal` ends the waits of a plugin that stops, with an error each.
      await this.#stopping
      return error
    }
    this.#move('failed', error.message)
    this.errors += 1
    this.#log.error(error.message, { error })
    await this.#close('failed')
    return error
  }

  /** Publishes the contributions. */
  activate(): void {
    this.#active = true
    for (const [contribution, remove] of this.#contributions) {
      if (remove === undefined) this.#contributions.set(contribution, this.#publish(contribution))
    }
  }

  deactivate(): void {
    this.#active = false
    for (const [contribution, remove] of this.#contributions) {
      remove?.()
      this.#contributions.set(contribution, undefined)
    }
  }

  /** @throws PLUGIN_FAILED, PLUGIN_TIMEOUT */
  async ready(): Promise<void> {
    try {
      await this.#inTime('ready', () => this.parts.ready?.())
    } catch (error) {
      throw await this.fail(this.#failed('ready', error))
    }
  }

  /**
   * Takes a new config in place.
   * @returns an undo that never rejects: restores the old config, routes and hooks, unless the plugin returns others
   * @throws PLUGIN_FAILED, PLUGIN_TIMEOUT, PLUGIN_INVALID; the old config stays
   */
  async reconfigure(section: PluginSection): Promise<() => Promise<void>> {
    const { section: before, requestParts } = this
    try {
      const returned = await this.#inTime<unknown>(
        'start',
        () => this.parts.reconfigure?.(section.config),
        'reconfigure',
      )
      this.requestParts = { ...requestParts, ...checkRequestParts(this.name, returned) }
    } catch (error) {
      throw this.#failed('reconfigure', error)
    }
    this.section = section
    return async () => {
      this.requestParts = requestParts
      await this.reconfigure(before).catch((error) => this.fault('the rollback of a reload', error))
    }
  }

  /** Suspends the instance, limited as `stop`; resumes a late handover. @throws PLUGIN_FAILED, PLUGIN_TIMEOUT */
  async handover(): Promise<Handover> {
    let made: Promise<Handover | undefined> | undefined
    const call = () => {
      made = (async () => this.parts.handover?.())()
      return made
    }
    try {
      return checkHandover(this.name, await this.#inTime('stop', call, 'handover'))
    } catch (error) {
      const resume = (late: Handover | undefined) => (late && isUp(this.state) ? this.resume(late) : undefined)
      made?.then(resume).catch(() => {})
      throw this.#failed('handover', error)
    }
  }

  /** Continues a suspended instance, within the deadline of `start`. An error is a fault; never rejects. */
  async resume(handover: Handover): Promise<void> {
    const resumed = this.#inTime('start', () => handover.resume?.(), 'resume')
    await resumed.catch((error) => this.fault('resume', error))
  }

  async #close(reason: StopReason): Promise<boolean> {
    this.#faults.forget()
    this.#stateLog.forget()
    this.#controller.abort(new Error(`plugin ${this.name} stops`))
    this.deactivate()
    let hung = false
    // What a phase in progress still opens would stay open after the stop.
    if (this.#phase !== undefined) await this.#inTime('stop', () => this.#phase).catch(() => {})
    try {
      await this.#inTime('stop', () => this.parts.stop?.(reason))
    } catch (thrown) {
      hung = errorOf(thrown).code === 'PLUGIN_TIMEOUT'
      const error = this.#failed('stop', thrown)
      this.#log.error(error.message, { error })
    }
    try {
      const thrown = await this.#inTime('stop', () => this.#scope.dispose())
      for (const error of thrown) this.#logFault(`undo of plugin ${this.name} threw`, error)
    } catch (error) {
      hung = true
      this.#log.error(messageOf(error), { error })
    }
    return hung
  }

  /** Stops once; later calls wait for the first. @returns whether the instance hung and was abandoned */
  stop(reason: StopReason): Promise<boolean> {
    this.#stopping ??= (async () => {
      if (!isUp(this.state) && this.state !== 'starting') return false
      this.#move('stopping')
      const hung = await this.#close(reason)
      this.#move(hung ? 'failed' : 'stopped', hung ? 'did not stop in time' : '')
      return hung
    })()
    return this.#stopping
  }
}
