/** Tells the host and the log itself when lines are lost or a sink cannot write. */

import type { Logger, RunState } from '../../core/plugin.ts'

/** A line about losses at most so often. */
const quietMs = 10_000

export interface LossSources {
  /** Why sinks cannot write at present. */
  problems(): readonly string[]
  /** Lines lost so far, by sink. */
  dropped(): Readonly<Record<string, number>>
  report(state: RunState, reason?: string): void
  readonly log: Logger
}

export class LossWatch {
  #reason = ''
  #told: Record<string, number> = {}
  #quietUntilMs = 0

  constructor(private readonly sources: LossSources) {}

  /** Called once a second. */
  tick(nowMs: number): void {
    const { problems, dropped, report, log } = this.sources
    const reason = problems().join('; ')
    if (reason !== this.#reason) {
      this.#reason = reason
      if (reason === '') report('ok')
      else report('degraded', reason)
    }
    if (nowMs < this.#quietUntilMs) return
    for (const [sink, count] of Object.entries(dropped())) {
      const lines = count - (this.#told[sink] ?? 0)
      if (lines <= 0) continue
      this.#told[sink] = count
      this.#quietUntilMs = nowMs + quietMs
      log.warn('log lines were lost', { sink, lines })
    }
  }
}
