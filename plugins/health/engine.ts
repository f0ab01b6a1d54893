/** The engine of health: every check with its last result and its effective status. Answers from memory only. */

import { guarded, type Logger, type PluginClock, type RollbackSignal } from '../../core/plugin.ts'
import type { CheckReport, CheckStatus, Health, OffCheck } from './api.ts'
import { maxChecks } from './check-specs.ts'
import { type CheckSpec, isSameCheck, type ProbeTools } from './checks/check.ts'
import { CheckRunner, type RunOutcome } from './checks/check-runner.ts'
import { type CheckState, isStale, type Step } from './checks/check-state.ts'
import { type Effective, effectiveStatuses, orderChecks, overallStatus, type Parents } from './checks/dependencies.ts'
import { RunLimit } from './checks/run-limit.ts'
import type { HealthConfig } from './config.ts'

type EngineSettings = Pick<HealthConfig, 'maxConcurrent' | 'jitter'>

interface EngineOptions {
  readonly clock: PluginClock
  readonly log: Logger
  readonly tools: ProbeTools
  readonly settings: EngineSettings
  readonly inherited?: ReadonlyMap<string, KeptState>
  /** Whether monitoring is paused, so that no check runs. */
  isPaused(): boolean
}

interface Held {
  readonly runner: CheckRunner
  effective: Effective
  changedAtMs: number
}

/** The state of a check that its successor inherits. */
export interface KeptState extends Readonly<Omit<Held, 'runner'>> {
  readonly target: string
  readonly source: object | undefined
  readonly state: CheckState
  readonly isDue: boolean
}

/** How long the state of a check that is gone is kept: a plugin may stop before its successor starts. */
const withdrawnMs = 30_000

type ChangeListener = (check: CheckReport, before: CheckStatus) => void

export class HealthEngine implements Health {
  private readonly held = new Map<string, Held>()
  private readonly listeners = new Set<ChangeListener>()
  private readonly limit: RunLimit
  private settings: EngineSettings
  private parents: Parents = new Map()
  private order: readonly string[] = []
  private offChecks: readonly OffCheck[] = []
  private running = false
  private kept: ReadonlyMap<string, KeptState> = new Map()
  private inherited: ReadonlyMap<string, KeptState>
  /** The states of checks that are gone or have another target, the latest last. */
  private readonly withdrawn = new Map<string, KeptState & { readonly untilMs: number }>()
  /** Names in `dependsOn` that no check has, and a circle among contributed checks. */
  problems: readonly string[] = []
  onRun: (name: string, seconds: number, outcome: RunOutcome) => void = () => {}
  /** Changes with every change of a status or of the checks themselves. */
  version = 0

  constructor(private readonly options: EngineOptions) {
    this.settings = options.settings
    this.limit = new RunLimit(options.settings.maxConcurrent, options.clock)
    this.inherited = options.inherited ?? new Map()
  }

  /**
   * Replaces the checks. An unchanged check continues; a changed one with the same target keeps its state. One that is
   * contributed anew or comes back within 30 s keeps it, too, and runs immediately, for its target may be another.
   */
  set(specs: readonly CheckSpec[], off: readonly OffCheck[], settings: EngineSettings = this.settings): void {
    this.version += 1
    const rearm = settings.jitter !== this.settings.jitter
    this.settings = settings
    this.limit.limit = settings.maxConcurrent
    this.offChecks = off
    const before = new Map(this.held)
    const fresh: CheckRunner[] = []
    this.held.clear()
    for (const spec of specs) {
      const old = before.get(spec.name)
      const isKept = old !== undefined && !rearm && isSameCheck(old.runner.spec, spec)
      const held = isKept ? old : this.hold(spec, old)
      this.held.set(spec.name, held)
      if (isKept) before.delete(spec.name)
      else fresh.push(held.runner)
    }
    for (const { runner } of before.values()) runner.stop()
    this.withdraw([...this.inherited, ...keptStates(before)])
    this.inherited = new Map()
    this.parents = new Map(specs.map((spec) => [spec.name, spec.dependsOn]))
    const { order, cycle, missing } = orderChecks(this.parents)
    this.order = order
    this.problems = [
      ...(cycle ? [`checks depend on each other in a circle: ${cycle.join(' -> ')}`] : []),
      ...missing
        .filter((name) => !off.some((check) => check.name === name))
        .map((name) => `no check is called ${name}`),
    ]
    this.settle()
    if (this.running) for (const runner of fresh) runner.start()
  }

  start(): void {
    if (this.running) return
    this.running = true
    for (const { runner } of this.held.values()) runner.start()
  }

  /** Stops every timer and run. @returns the states that a successor inherits */
  stop(): ReadonlyMap<string, KeptState> {
    for (const { runner } of this.held.values()) runner.stop()
    this.running = false
    this.withdraw([])
    this.kept = new Map([...this.withdrawn, ...keptStates(this.held)])
    return this.kept
  }

  /** Resumes after {@link stop}. */
  restore(): void {
    this.inherited = this.kept
    const specs = [...this.held.values()].map(({ runner }) => runner.spec)
    this.held.clear()
    this.set(specs, this.offChecks)
    this.start()
  }

  status(): Exclude<CheckStatus, 'unknown'> {
    return overallStatus(this.checks())
  }

  checks(): readonly CheckReport[] {
    const nowMs = this.options.clock.now()
    return [...this.held.values()].map((held) => this.report(held, nowMs))
  }

  /** A signal for each check that is down itself, not only below a parent that is down. */
  rollbackSignals(): readonly RollbackSignal[] {
    return [...this.held].flatMap(([name, { runner, effective }]) => {
      if (effective.status !== 'down') return []
      const { plugin = 'health', critical } = runner.spec
      return [{ plugin, critical, what: `the check ${name} is down` }]
    })
  }

  off(): readonly OffCheck[] {
    return this.offChecks
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Runs of all checks past their timeout that have not ended. */
  get abandoned(): number {
    return this.held.values().reduce((sum, { runner }) => sum + runner.abandoned, 0)
  }

  /** Keeps these states for a while, and drops the oldest and those whose time is over. */
  private withdraw(gone: readonly (readonly [string, KeptState])[]): void {
    const nowMs = this.options.clock.monotonic()
    for (const [name, kept] of gone) {
      this.withdrawn.delete(name)
      this.withdrawn.set(name, { ...kept, isDue: true, untilMs: nowMs + withdrawnMs })
    }
    for (const [name, { untilMs }] of this.withdrawn) {
      if (untilMs > nowMs && this.withdrawn.size <= maxChecks) break
      this.withdrawn.delete(name)
    }
  }

  private hold(spec: CheckSpec, old: Held | undefined): Held {
    const { clock, tools } = this.options
    this.withdraw([])
    const found = [old && keptState(old), this.inherited.get(spec.name), this.withdrawn.get(spec.name)]
    const kept = found.find((each) => each?.target === spec.target)
    const inherited = kept && { state: kept.state, isDue: kept.isDue || kept.source !== spec.source }
    const { jitter } = this.settings
    const onStep = (step: Step, outcome: RunOutcome) => this.stepped(spec, step, outcome)
    return {
      runner: new CheckRunner(spec, { clock, tools, limit: this.limit, jitter, onStep }, inherited),
      effective: kept?.effective ?? { status: 'unknown', parent: undefined },
      changedAtMs: kept?.changedAtMs ?? clock.now(),
    }
  }

  private stepped(spec: CheckSpec, step: Step, outcome: RunOutcome): void {
    this.onRun(spec.name, (step.state.latencyMs ?? 0) / 1_000, outcome)
    if (step.transition !== undefined) this.settle()
  }

  /** Updates every effective status, and logs and notifies each change. */
  private settle(): void {
    const nowMs = this.options.clock.now()
    const own = (name: string) => this.held.get(name)?.runner.state.status ?? 'unknown'
    for (const [name, effective] of effectiveStatuses(this.order, this.parents, own)) {
      const held = this.held.get(name)!
      const before = held.effective
      held.effective = effective
      if (before.status === effective.status) continue
      held.changedAtMs = nowMs
      this.version += 1
      const now = this.report(held, nowMs)
      this.logChange(now, before.status, held.runner.thrown)
      const threw = (error: unknown) =>
        this.options.log.error('a listener of check changes threw', { check: now.name, error })
      for (const listener of this.listeners) guarded(() => listener(now, before.status), threw)
    }
  }

  private report({ runner, effective, changedAtMs }: Held, nowMs: number): CheckReport {
    const { name, kind, critical, groups, policy } = runner.spec
    const { latencyMs, observedAtMs, lastSuccessAtMs, message, details } = runner.state
    const { status, parent } = effective
    const stale = isStale(runner.state, nowMs, policy)
    const why = stale && `the result is stale${this.options.isPaused() ? ': monitoring is paused' : ''}`
    const reasons = [parent === undefined ? message : `parent ${parent} is down`, why]
    return {
      ...{ name, kind, status, critical, groups, latencyMs, observedAtMs, lastSuccessAtMs, changedAtMs },
      ...{ parent, details, stale, message: reasons.filter(Boolean).join('; ') },
    }
  }

  /** @param error what the run threw, for its stack */
  private logChange(check: CheckReport, before: CheckStatus, error: unknown): void {
    const { name, kind, status, message } = check
    const thrown = error === undefined ? {} : { error }
    const fields = { check: name, kind, from: before, to: status, reason: message, ...thrown }
    if (status === 'down' || status === 'degraded') this.options.log.warn(`check is ${status}`, fields)
    else this.options.log.info(`check is ${status}`, fields)
  }
}

const keptState = ({ runner, ...rest }: Held): KeptState => ({
  target: runner.spec.target,
  source: runner.spec.source,
  state: runner.state,
  isDue: runner.isDue,
  ...rest,
})

const keptStates = (held: ReadonlyMap<string, Held>) =>
  [...held].map(([name, each]): [string, KeptState] => [name, keptState(each)])
