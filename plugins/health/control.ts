/** Keeps checks and watchdog in line with the configuration and with what plugins contribute. */
import type { Extensions } from '../../core/plugin.ts'
import type { HealthCheck } from './api.ts'
import { buildSpecs } from './check-specs.ts'
import type { HealthConfig } from './config.ts'
import type { HealthEngine, KeptState } from './engine.ts'
import type { Watchdog } from './watchdog/supervise.ts'

export interface ControlOptions {
  readonly config: HealthConfig
  readonly brought: Extensions<HealthCheck>
  readonly engine: HealthEngine
  readonly watchdog: Watchdog
  report(state: 'ok' | 'degraded', reason?: string): void
}

/** What a successor takes over. */
export interface Inherited {
  readonly checks: ReadonlyMap<string, KeptState>
}

export class HealthControl {
  config: HealthConfig
  private refused: readonly string[] = []
  private watchdogProblem: string | undefined
  private isReady = false
  private reported = ''

  constructor(private readonly options: ControlOptions) {
    this.config = options.config
  }

  async start(): Promise<void> {
    const { brought, engine, watchdog } = this.options
    this.refresh()
    engine.start()
    brought.onChange(() => this.refresh())
    await watchdog.apply(this.config.watchdog)
  }

  /** Every plugin has contributed by now: what is still missing is a mistake. */
  ready(): void {
    this.isReady = true
    this.tell()
  }

  async reconfigure(next: HealthConfig): Promise<void> {
    this.config = next
    this.refresh()
    await this.options.watchdog.apply(next.watchdog)
  }

  /** Pauses everything. @returns what a successor takes over */
  async pause(): Promise<Inherited> {
    const checks = this.options.engine.stop()
    await this.options.watchdog.stop()
    return { checks }
  }

  async resume(): Promise<void> {
    this.options.engine.restore()
    await this.options.watchdog.apply(this.config.watchdog)
  }

  watchdogIs(problem: string | undefined): void {
    this.watchdogProblem = problem
    this.tell()
  }

  private refresh(): void {
    const { brought, engine } = this.options
    const { specs, off, refused } = buildSpecs(this.config, brought.all)
    this.refused = refused
    engine.set(specs, off, this.config)
    this.tell()
  }

  private tell(): void {
    const problems = [...this.refused, ...(this.isReady ? this.options.engine.problems : []), this.watchdogProblem]
    const reason = problems.filter((problem) => problem !== undefined).join('; ')
    if (reason === this.reported) return
    this.reported = reason
    if (reason === '') this.options.report('ok')
    else this.options.report('degraded', reason)
  }
}
