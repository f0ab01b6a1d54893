/** Holds every check, what it found and what its parents make of that. Answers from memory only. */

import type { Logger, PluginClock, RollbackSignal } from '../../core/plugin.ts'
import type { CheckReport, CheckStatus, Health, OffCheck } from './api.ts'
import { type CheckSpec, isSameCheck, type ProbeTools } from './checks/check.ts'
import { type CheckState, isStale, type Step } from './checks/check-state.ts'
import { type Effective, effectiveStatuses, orderChecks, overallStatus, type Parents } from './checks/dependencies.ts'
import { CheckRunner, type RunOutcome } from './checks/runner.ts'
import { Slots } from './checks/slots.ts'

export interface EngineSettings {
  readonly maxConcurrent: number
  readonly jitter: number
}

export interface EngineOptions {
  readonly clock: PluginClock
  readonly log: Logger
  readonly tools: ProbeTools
  readonly settings: EngineSettings
  readonly inherited?: ReadonlyMap<string, KeptState>
}

/** What a check's successor takes over. */
export interface KeptState {
  readonly target: string
  readonly state: CheckState
  readonly effective: Effective
  readonly changedAtMs: number
}

interface Held {
  readonly runner: CheckRunner
  effective: Effective
  changedAtMs: number
}

type ChangeListener = (check: CheckReport, before: CheckStatus) => void

/** Told of each run that ended. */
export type RunListener = (name: string, seconds: number, outcome: RunOutcome) => void

export class HealthEngine implements Health {
  private readonly held = new Map<string, Held>()
  private readonly listeners = new Set<ChangeListener>()
  private readonly slots: Slots
  private settings: EngineSettings
  private parents: Parents = new Map()
  private order: readonly string[] = []
  private offChecks: readonly OffCheck[] = []
  private running = false
  private kept: ReadonlyMap<string, KeptState> = new Map()
  private inherited: ReadonlyMap<string, KeptState>
  /** Names in `dependsOn` that no check has, and a circle among checks that plugins brought. */
  problems: readonly string[] = []
  onRun: RunListener = () => {}
  /** Changes with every change of a status or of the checks themselves. */
  version = 0

  constructor(private readonly options: EngineOptions) {
    this.settings = options.settings
    this.slots = new Slots(options.settings.maxConcurrent, options.clock)
    this.inherited = options.inherited ?? new Map()
  }

  /**
   * Puts these checks in place of the present ones. What is unchanged goes on undisturbed; what has the same target
   * keeps its state.
   */
  set(specs: readonly CheckSpec[], off: readonly OffCheck[], settings: EngineSettings = this.settings): void {
    this.version += 1
    const rearm = settings.jitter !== this.settings.jitter
    this.settings = settings
    this.slots.limit = settings.maxConcurrent
    this.offChecks = off
    const before = new Map(this.held)
    const fresh: CheckRunner[] = []
    this.held.clear()
    for (const spec of specs) {
      const old = before.get(spec.name)
      if (old !== undefined && !rearm && isSameCheck(old.runner.spec, spec)) {
        this.held.set(spec.name, old)
        before.delete(spec.name)
      } else {
        const held = this.hold(spec, old)
        this.held.set(spec.name, held)
        fresh.push(held.runner)
      }
    }
    for (const { runner } of before.values()) runner.stop()
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

  /** Ends every timer and run. @returns what a successor takes over */
  stop(): ReadonlyMap<string, KeptState> {
    const kept = new Map<string, KeptState>()
    for (const [name, { runner, effective, changedAtMs }] of this.held) {
      runner.stop()
      kept.set(name, { target: runner.spec.target, state: runner.state, effective, changedAtMs })
    }
    this.running = false
    this.kept = kept
    return kept
  }

  /** Takes up again what {@link stop} ended. */
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
    return [...this.held.values()].map((held) => report(held, nowMs))
  }

  /** The checks that are down by themselves, not since a parent is. */
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

  /** Runs whose time is over and which have not ended yet, of all checks. */
  get abandoned(): number {
    let sum = 0
    for (const { runner } of this.held.values()) sum += runner.abandoned
    return sum
  }

  private hold(spec: CheckSpec, old: Held | undefined): Held {
    const { clock, tools } = this.options
    const left = old && {
      target: old.runner.spec.target,
      state: old.runner.state,
      effective: old.effective,
      changedAtMs: old.changedAtMs,
    }
    const found = left ?? this.inherited.get(spec.name)
    const kept = found?.target === spec.target ? found : undefined
    const runner = new CheckRunner(
      spec,
      {
        clock,
        tools,
        slots: this.slots,
        jitter: this.settings.jitter,
        onStep: (_, step, outcome) => this.stepped(spec, step, outcome),
      },
      kept?.state,
    )
    return {
      runner,
      effective: kept?.effective ?? { status: 'unknown', parent: undefined },
      changedAtMs: kept?.changedAtMs ?? clock.now(),
    }
  }

  private stepped(spec: CheckSpec, step: Step, outcome: RunOutcome): void {
    this.onRun(spec.name, (step.state.latencyMs ?? 0) / 1_000, outcome)
    if (step.transition !== undefined) this.settle()
  }

  /** Brings every effective status up to date and tells of those that changed. */
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
      const now = report(held, nowMs)
      this.logChange(now, before.status)
      for (const listener of this.listeners) this.tellOne(listener, now, before.status)
    }
  }

  private tellOne(listener: ChangeListener, check: CheckReport, before: CheckStatus): void {
    try {
      listener(check, before)
    } catch (error) {
      this.options.log.error('a listener of check changes threw', { check: check.name, error })
    }
  }

  private logChange(check: CheckReport, before: CheckStatus): void {
    const fields = { check: check.name, kind: check.kind, from: before, to: check.status, reason: check.message }
    if (check.status === 'down') this.options.log.warn('check is down', fields)
    else if (check.status === 'degraded') this.options.log.warn('check is degraded', fields)
    else this.options.log.info(`check is ${check.status}`, fields)
  }
}

function report({ runner, effective, changedAtMs }: Held, nowMs: number): CheckReport {
  const { spec, state } = runner
  return {
    name: spec.name,
    kind: spec.kind,
    status: effective.status,
    critical: spec.critical,
    groups: spec.groups,
    latencyMs: state.latencyMs,
    observedAtMs: state.observedAtMs,
    lastSuccessAtMs: state.lastSuccessAtMs,
    changedAtMs,
    stale: isStale(state, nowMs, spec.policy),
    parent: effective.parent,
    message: effective.parent === undefined ? state.message : `parent ${effective.parent} is down`,
    details: state.details,
  }
}
