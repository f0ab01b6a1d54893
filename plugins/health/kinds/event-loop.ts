/** The delay of this process' own event loop, from core's histogram. */
import type { LoopDelay } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import type { Kind } from './kind.ts'

export interface DelayLimits {
  /** Milliseconds */
  readonly degradedAbove: number
  /** Milliseconds */
  readonly downAbove: number
}

/** @returns the verdict over the p99 delay of the last window */
export function evaluateDelay(delay: LoopDelay, { degradedAbove, downAbove }: DelayLimits): CheckResult {
  const round = (ms: number) => Math.round(ms * 100) / 100
  const details = { p50Ms: round(delay.p50Ms), p99Ms: round(delay.p99Ms), maxMs: round(delay.maxMs) }
  if (delay.p99Ms <= degradedAbove) return { status: 'up', details }
  const isDown = delay.p99Ms > downAbove
  const message = `p99 delay ${Math.round(delay.p99Ms)} ms, over ${isDown ? downAbove : degradedAbove} ms`
  return { status: isDown ? 'down' : 'degraded', message, details }
}

export const eventLoop: Kind<'eventLoop'> = {
  name: 'eventLoop',
  timesLatency: false,
  open: (config, tools) => ({
    close: () => {},
    run: () => evaluateDelay(tools.eventLoop.delay(), config),
  }),
}
