/** One plugin with one config: the state, the parts, and the undos. */
import { missingPackage } from '../config/definitions/packages.ts'
import type { PluginSection } from '../config/types.ts'
import type { Handover, PluginParts, RequestParts, StopReason } from '../contract/definition.ts'
import { coreError, errorOf, messageOf } from '../contract/errors.ts'
import { guardListeners } from '../contract/foreign/guarded-signal.ts'
import type { Logger } from '../contract/logger.ts'
import { isUp, moveState, type PluginState } from '../contract/plugin-state.ts'
import type { TokenMap } from '../contract/tokens.ts'
import { checkParts, checkServices, readHandover, readRequestParts, readServices } from './check-parts.ts'
import { Cleanups } from './cleanups.ts'
import { Phases } from './phases.ts'
import { createContext, type InstanceEnvironment, type Services } from './plugin-context.ts'
import { PluginContributions } from './plugin-contributions.ts'
import { PluginFaults } from './state/plugin-faults.ts'
import type { PluginTotals } from './state/plugin-totals.ts'
import { StateLog } from './state/state-log.ts'

/** What a rollback left undone: the plugin is suspended, or has the config of the reload. */
const [suspended, unrestored] = [{}, {}]

/** The generation decides when a phase runs; the instance bounds its time and undoes everything at the end. */
export class PluginInstance {
  startMs = 0
  startedAtMs: number | undefined
  parts: PluginParts<unknown, TokenMap> = {}
  /** The services by id, once `start` succeeded. */
  services: Services = new Map()
  /** Whether `ready` was not called. */
  awaitsReady = true
  /** In force after the next swap. */
  requestParts: RequestParts = {}
  readonly faults: PluginFaults
  readonly contributions: PluginContributions
  readonly phases: Phases
  readonly #scope: Cleanups
  readonly #controller = new AbortController()
  readonly #log: Logger
  readonly #stateLog: StateLog
  #stopping: Promise<boolean> | undefined

  /** @param state `disabled` or `blocked` for an instance that never starts */
  constructor(
    public section: PluginSection,
    private readonly host: InstanceEnvironment,
    readonly totals: PluginTotals,
    public state: PluginState = 'starting',
    public reason = '',
  ) {
    this.#log = host.logger(section.name)
    this.faults = new PluginFaults(section.name, host.clock, this.#log, totals, () => this.#settle())
    this.#scope = new Cleanups(section.name, this.faults, this.#log)
    this.phases = new Phases(section.name, section.definition.deadlines, host.clock)
    this.#stateLog = new StateLog(section.name, host.clock, this.#log)
    this.contributions = new PluginContributions(host.registry, {
      name: section.name,
      fault: (phase, error, logsRepeats) => this.fault(phase, error, logsRepeats),
      hold: (source, reason) => this.faults.hold(source, reason),
      failed: (error) => this.faults.count(error.message, error),
    })
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

  fault(phase: string, error: unknown, logsRepeats = true): void {
    this.faults.add(phase, error, isUp(this.state), logsRepeats)
  }

  #settle(): void {
    if (!isUp(this.state)) return
    const { reason } = this.faults
    const state = reason === undefined ? 'ok' : 'degraded'
    if (state === this.state && (reason ?? '') === this.reason) return
    this.#move(state, reason)
    this.#stateLog.changed(reason)
  }

  /** @throws PLUGIN_FAILED, PLUGIN_TIMEOUT; the state is then `failed`, and the instance must be stopped */
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
      checkServices(this.name, this.definition.provides, this.parts.services)
      for (const contribution of this.parts.contributes ?? []) this.contributions.add(contribution)
      phase = 'start'
      const missing = missingPackage(this.name, this.definition)
      if (missing !== undefined) throw missing
      await this.phases.inTime('start', () => this.parts.start?.())
      const given = { provides: this.definition.provides, services: this.parts.services }
      this.services = readServices(this.name, given, (phase, error) => this.fault(phase, error, false))
      this.startMs = this.host.clock.monotonic() - startedMs
      this.startedAtMs = this.host.clock.now()
      this.#move('ok')
      this.#settle()
    } catch (thrown) {
      throw await this.#fail(phase, thrown)
    }
  }

  /** @returns the error */
  async #fail(phase: string, thrown: unknown): Promise<Error> {
    const error = this.phases.errorOf(phase, thrown)
    if (this.#stopping !== undefined) {
      // `signal` ends the waits of a plugin that stops, with an error each.
      await this.#stopping
      return error
    }
    this.#move('failed', error.message)
    this.totals.errors += 1
    this.#log.error(error.message, { error })
    return error
  }

  /** @throws PLUGIN_FAILED, PLUGIN_TIMEOUT; the state is then `failed`, and the instance must be stopped */
  async ready(): Promise<void> {
    this.awaitsReady = false
    try {
      await this.phases.inTime('ready', () => this.parts.ready?.())
    } catch (error) {
      throw await this.#fail('ready', error)
    }
  }

  /**
   * @returns an undo that never rejects: restores the old config, routes and hooks, unless the plugin returns others
   * @throws PLUGIN_FAILED, PLUGIN_TIMEOUT, PLUGIN_INVALID; the old config stays
   */
  async reconfigure(section: PluginSection): Promise<() => Promise<void>> {
    const { section: before, requestParts } = this
    try {
      const call = () => this.parts.reconfigure?.(section.config)
      const returned = await this.phases.inTime<unknown>('start', call, 'reconfigure')
      this.requestParts = { ...requestParts, ...readRequestParts(this.name, returned) }
    } catch (error) {
      this.totals.errors += 1
      throw this.phases.errorOf('reconfigure', error)
    }
    this.section = section
    this.faults.hold(unrestored, undefined)
    return async () => {
      this.requestParts = requestParts
      await this.reconfigure(before).catch((error) => {
        if (this.phases.late) this.section = before
        else this.#stuck(unrestored, 'the rollback of a reload', error)
      })
    }
  }

  /** Suspends the instance, limited as `stop`; resumes a late handover. @throws PLUGIN_FAILED */
  async handover(): Promise<Handover> {
    let made: Promise<Handover | undefined> | undefined
    const call = () => {
      made = (async () => this.parts.handover?.())()
      return made
    }
    try {
      return readHandover(this.name, await this.phases.inTime('stop', call, 'handover'))
    } catch (error) {
      const resume = (late: Handover | undefined) => (late && isUp(this.state) ? this.resume(late) : undefined)
      if (errorOf(error).code === 'PLUGIN_TIMEOUT') this.#stuck(suspended, 'handover', error)
      else this.fault('handover', error)
      made?.then(resume).catch(() => this.faults.hold(suspended, undefined))
      const off = `\`arkwatch plugins disable ${this.name}\`, then \`enable\``
      const way = `\`arkwatch plugins restart ${this.name}\` with the configuration in force, ${off} with the new one`
      const reason = `${messageOf(error)}; without its state the plugin is replaced by ${way}`
      throw coreError('PLUGIN_FAILED', { plugin: this.name, phase: 'handover', reason }, error)
    }
  }

  /** Continues a suspended instance, within the deadline of `start`. Never rejects. */
  async resume(handover: Handover): Promise<void> {
    try {
      await this.phases.inTime('start', () => handover.resume?.(), 'resume')
      this.faults.hold(suspended, undefined)
    } catch (error) {
      this.#stuck(suspended, 'resume', error)
    }
  }

  /** A fault that does not pass: nobody repeats a step of a rollback. */
  #stuck(source: object, step: string, error: unknown): void {
    this.fault(step, error)
    this.faults.hold(
      source,
      `${step} threw: ${messageOf(error)}; \`arkwatch plugins restart ${this.name}\` replaces the plugin`,
    )
  }

  async #close(reason: StopReason): Promise<boolean> {
    this.faults.forget()
    this.#stateLog.forget()
    this.#controller.abort(new Error(`plugin ${this.name} stops`))
    this.contributions.withdraw()
    let hung = false
    const phase = this.phases.current ?? this.phases.late
    if (phase !== undefined) await this.phases.inTime<unknown>('stop', () => phase).catch(() => {})
    for (const end of [() => this.parts.stop?.(reason), () => this.#scope.dispose()]) {
      try {
        await this.phases.inTime('stop', end)
      } catch (thrown) {
        hung ||= errorOf(thrown).code === 'PLUGIN_TIMEOUT'
        const error = this.phases.errorOf('stop', thrown)
        this.totals.errors += 1
        this.#log.error(error.message, { error })
      }
    }
    this.#scope.end()
    return hung
  }

  /**
   * Stops and undoes the instance once; later calls wait for the first. One that failed stays `failed`.
   * @returns whether the instance hung and was abandoned
   */
  stop(reason: StopReason): Promise<boolean> {
    // In the next turn: code of the plugin that runs immediately may call for the stop again.
    this.#stopping ??= Promise.resolve().then(() => this.#stopOnce(reason))
    return this.#stopping
  }

  async #stopOnce(reason: StopReason): Promise<boolean> {
    if (this.state === 'failed') return this.#close('failed')
    if (!isUp(this.state) && this.state !== 'starting') return false
    this.#move('stopping')
    const hung = await this.#close(reason)
    this.#move(hung ? 'failed' : 'stopped', hung ? 'did not stop in time' : '')
    return hung
  }
}
