/** The runner of one check: runs the check in the background and holds its state. */

import { errorOf, guardListeners, messageOf, type PluginClock } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import { healthError } from '../errors.ts'
import type { CheckSpec, Probe, ProbeTools } from './check.ts'
import { type CheckState, initialState, type Observation, type Step, step } from './check-state.ts'
import { boundedResult } from './result.ts'
import type { RunLimit } from './run-limit.ts'
import { scrubber } from './scrub.ts'

/** Runs of one check that may hang past their timeout before no further run starts. */
export const maxAbandoned = 3

/** How a run ended, for metrics. */
export type RunOutcome = 'up' | 'degraded' | 'down' | 'timeout' | 'skipped'

export interface RunnerOptions {
  readonly clock: PluginClock
  readonly limit: RunLimit
  readonly tools: ProbeTools
  /** Share of the period by which runs are spread, 0-0.9. */
  readonly jitter: number
  onStep(step: Step, outcome: RunOutcome): void
}

const timedOut = Symbol('timed out')

export class CheckRunner {
  state: CheckState
  /** What the last run of a contributed check threw. An error of a configured check may name a secret. */
  thrown: unknown
  /** Runs past their timeout that have not ended. */
  abandoned = 0
  /** No run has ended yet, or none since the check is another contribution or was gone. */
  isDue: boolean
  private probe: Probe | undefined
  private stopped = false
  private cancel: () => void = () => {}
  private abort: AbortController | undefined
  private readonly scrub: (message: string) => string

  constructor(
    readonly spec: CheckSpec,
    private readonly options: RunnerOptions,
    inherited?: { readonly state: CheckState; readonly isDue: boolean },
  ) {
    this.state = inherited?.state ?? initialState(options.clock.now())
    this.isDue = inherited?.isDue ?? true
    this.scrub = scrubber(spec.secrets)
  }

  /** Arms the timer. A check that is due runs immediately, any other at the end of its period. */
  start(): void {
    const { everyMs, initialDelayMs } = this.spec
    const { clock, jitter } = this.options
    const shortest = everyMs * (1 - jitter)
    const begin = (immediate: boolean) => {
      const spread = { jitter: shortest > 0 ? (everyMs - shortest) / shortest : 0, immediate, monitoring: true }
      this.cancel = clock.every(shortest, () => this.run(), spread)
    }
    if (this.isDue && initialDelayMs > 0) this.cancel = clock.after(initialDelayMs, () => begin(true))
    else begin(this.isDue)
  }

  /** Runs once, within the timeout of the check; never rejects. */
  async run(): Promise<void> {
    if (this.stopped) return
    if (this.abandoned >= maxAbandoned) {
      const { message } = healthError('HEALTH_ABANDONED', { count: this.abandoned })
      this.finish({ status: 'down', message, latencyMs: 0 }, 'skipped')
      return
    }
    const room = this.options.limit.take()
    if (room !== undefined) await room
    try {
      if (!this.stopped) await this.observe()
    } finally {
      this.options.limit.give()
    }
  }

  private async observe(): Promise<void> {
    const { clock, tools } = this.options
    const { timeoutMs } = this.spec
    const abort = new AbortController()
    this.abort = abort
    const startedMs = clock.monotonic()
    let cancelTimer = () => {}
    const timer = new Promise<typeof timedOut>((resolve) => {
      cancelTimer = clock.after(timeoutMs, () => resolve(timedOut))
      abort.signal.addEventListener('abort', () => resolve(timedOut), { once: true })
    })
    const attempt = (async () => {
      this.probe ??= this.spec.open(tools)
      const { plugin, fault } = this.spec
      const isContributed = plugin !== undefined && fault !== undefined
      return this.probe.run(isContributed ? guardListeners(abort.signal, fault) : abort.signal)
    })()
    let result: CheckResult | typeof timedOut
    this.thrown = undefined
    try {
      result = await Promise.race([attempt, timer])
    } catch (thrown) {
      if (this.spec.plugin !== undefined) this.thrown = errorOf(thrown)
      result = { status: 'down', message: messageOf(thrown) || 'failed without a message' }
    }
    cancelTimer()
    const latencyMs = clock.monotonic() - startedMs
    if (result === timedOut) {
      const error = healthError('HEALTH_TIMEOUT', { timeoutMs })
      this.abandon(attempt)
      abort.abort(error)
      if (this.stopped) return
      this.drop()
      this.finish({ status: 'down', message: error.message, latencyMs }, 'timeout')
    } else if (!this.stopped) {
      const found = this.bounded(result)
      this.finish({ latencyMs, ...found }, found.status)
    }
  }

  /** The result of a contributed check may hold getters that throw. */
  private bounded(result: CheckResult): CheckResult {
    try {
      return boundedResult(result, this.scrub)
    } catch (thrown) {
      this.spec.fault?.(thrown)
      return { status: 'down', message: messageOf(thrown) }
    }
  }

  private abandon(attempt: Promise<CheckResult>): void {
    this.abandoned += 1
    const over = () => {
      this.abandoned -= 1
    }
    attempt.then(over, over)
  }

  private finish(found: Observation, outcome: RunOutcome): void {
    const { degradedAboveMs, policy } = this.spec
    const slow = found.status === 'up' && degradedAboveMs !== undefined && found.latencyMs > degradedAboveMs
    const message = slow ? `took ${Math.round(found.latencyMs)} ms, over ${degradedAboveMs} ms` : (found.message ?? '')
    const result: Observation = { ...found, status: slow ? 'degraded' : found.status, message: this.scrub(message) }
    const next = step(this.state, result, this.options.clock.now(), policy)
    this.state = next.state
    this.isDue = false
    this.options.onStep(next, outcome === 'up' ? (result.status as RunOutcome) : outcome)
  }

  private drop(): void {
    const { probe } = this
    this.probe = undefined
    try {
      probe?.close?.()
    } catch {
      // The probe is dropped also where its close fails.
    }
  }

  /** Cancels the timer, abandons a run in progress and closes the probe. Safe twice. */
  stop(): void {
    this.stopped = true
    this.cancel()
    this.abort?.abort(new Error('check stopped'))
    this.drop()
  }
}
