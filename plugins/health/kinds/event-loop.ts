/** The delay of this process' own event loop, from core's histogram. */
import type { LoopDelay } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import type { ConfigOf, Kind } from './kind.ts'

type DelayLimits = Pick<ConfigOf<'eventLoop'>, 'degradedAbove' | 'downAbove'>

/** @returns the verdict over the p99 delay of the last window */
export function evaluateDelay(delay: LoopDelay, { degradedAbove, downAbove }: DelayLimits): CheckResult {
  const round = (ms: number) => Math.round(ms * 100) / 100
  const details = { p50Ms: round(delay.p50Ms), p99Ms: round(delay.p99Ms), maxMs: round(delay.maxMs) }
  if (delay.p99Ms <= degradedAbove) return { status: 'up', details }
  const isDown = delay.p99Ms > downAbove
  const message = `p99 delay ${Math.round(delay.p99Ms)} ms, over ${isDown ? downAbove : degradedAbove} ms`
  return { status: isDown ? 'down' : 'degraded', message, details }
}

export const eventLoop: Kind<'eventLoop'> = (config, tools) => ({
  run: () => evaluateDelay(tools.eventLoop.delay(), config),
})
