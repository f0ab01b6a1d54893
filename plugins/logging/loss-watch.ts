/** The watch on losses: reports lost lines and sinks that cannot write, to the host and in the log itself. */
import type { Logger, RunState } from '../../core/plugin.ts'

/** The shortest time between two lines about losses. */
const quietMs = 10_000

interface LossSources {
  /** Why sinks cannot write at present. */
  problems(): readonly string[]
  /** Lines lost so far, by sink. */
  dropped(): Readonly<Record<string, number>>
  report(state: RunState, reason?: string): void
  readonly log: Logger
}

/** @returns the watch, to be called once a second with epoch milliseconds */
export function createLossWatch({ problems, dropped, report, log }: LossSources): (nowMs: number) => void {
  let reported = ''
  const counted: Record<string, number> = {}
  let quietUntilMs = 0
  return (nowMs) => {
    const reason = problems().join('; ')
    if (reason !== reported) {
      reported = reason
      if (reason === '') report('ok')
      else report('degraded', reason)
    }
    if (nowMs < quietUntilMs) return
    for (const [sink, count] of Object.entries(dropped())) {
      const lines = count - (counted[sink] ?? 0)
      if (lines <= 0) continue
      counted[sink] = count
      quietUntilMs = nowMs + quietMs
      log.warn('log lines were lost', { sink, lines })
    }
  }
}
