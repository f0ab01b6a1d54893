/** The control of health: applies the configuration and the contributed checks to the engine and the watchdog. */
import type { Extensions, PluginClock } from '../../core/plugin.ts'
import type { HealthCheck } from './api.ts'
import { buildSpecs } from './check-specs.ts'
import type { HealthConfig } from './config.ts'
import type { HealthEngine, KeptState } from './engine.ts'
import type { Watchdog } from './watchdog/supervise.ts'

export interface ControlOptions {
  readonly config: HealthConfig
  readonly contributed: Extensions<HealthCheck>
  readonly engine: HealthEngine
  readonly watchdog: Watchdog
  readonly clock: PluginClock
  report(state: 'ok' | 'degraded', reason?: string): void
}

/** The state that a successor inherits, by check. */
export type Inherited = ReadonlyMap<string, KeptState>

/** A plugin that stops or is replaced takes its checks along: a check that others depend on is missing after this. */
const missingAfterMs = 10_000

export class HealthControl {
  config: HealthConfig
  /** The problems of the engine that lasted. */
  private problems: readonly string[] = []
  private cancel = () => {}
  private watchdogProblem: string | undefined
  private isReady = false
  private reported = ''

  constructor(private readonly options: ControlOptions) {
    this.config = options.config
  }

  async start(): Promise<void> {
    const { contributed, engine, watchdog } = this.options
    this.refresh()
    engine.start()
    contributed.onChange(() => this.refresh())
    await watchdog.apply(this.config.watchdog)
  }

  /** Every plugin has contributed by now: a check that is still missing is a mistake. */
  async ready(): Promise<void> {
    this.isReady = true
    this.note()
    await this.options.watchdog.ready()
  }

  /** @throws HEALTH_WATCHDOG_PORT, WORKER_ENDED; the old configuration stays */
  async reconfigure(next: HealthConfig): Promise<void> {
    await this.options.watchdog.move(next.watchdog)
    this.config = next
    this.refresh()
  }

  /** Suspends everything. @returns the state that a successor inherits */
  async suspend(): Promise<Inherited> {
    const kept = this.options.engine.stop()
    await this.options.watchdog.stop()
    return kept
  }

  async resume(): Promise<void> {
    this.options.engine.restore()
    await this.options.watchdog.apply(this.config.watchdog)
    await this.options.watchdog.ready()
  }

  watchdogIs(problem: string | undefined): void {
    this.watchdogProblem = problem
    this.publish()
  }

  private refresh(): void {
    const { contributed, engine, clock } = this.options
    const { specs, off } = buildSpecs(this.config, contributed.all)
    engine.set(specs, off, this.config)
    this.problems = this.problems.filter((problem) => engine.problems.includes(problem))
    this.publish()
    this.cancel()
    if (engine.problems.length > this.problems.length) this.cancel = clock.after(missingAfterMs, () => this.note())
  }

  private note(): void {
    if (this.isReady) this.problems = this.options.engine.problems
    this.publish()
  }

  private publish(): void {
    const reason = [...this.problems, this.watchdogProblem].filter((problem) => problem !== undefined).join('; ')
    if (reason === this.reported) return
    this.reported = reason
    if (reason === '') this.options.report('ok')
    else this.options.report('degraded', reason)
  }
}
