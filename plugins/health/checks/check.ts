/** A check as the engine runs it, whoever brought it. */
import type { EventLoop } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import type { Policy } from './check-state.ts'

/** What a check does to its target. It keeps what it opened between runs and lets go of it when `signal` aborts. */
export interface Probe {
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>
  /** Closes what the probe keeps open. Safe twice, and while a run is in progress. */
  close?(): void
}

/** What probes use of the process around them. */
export interface ProbeTools {
  readonly eventLoop: Pick<EventLoop, 'delay'>
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds that never go back. */
  monotonic(): number
  /** Imports an optional package. @throws HEALTH_PACKAGE_MISSING */
  load<T>(name: string): Promise<T>
}

export interface CheckSpec {
  readonly name: string
  readonly kind: string
  /** The plugin that brought it; undefined for one of config.yaml. */
  readonly plugin: string | undefined
  readonly everyMs: number
  readonly timeoutMs: number
  readonly initialDelayMs: number
  readonly critical: boolean
  readonly groups: readonly string[]
  readonly dependsOn: readonly string[]
  readonly policy: Policy
  readonly degradedAboveMs: number | undefined
  /** What is observed, and how: a check keeps its state over a change of anything else. */
  readonly target: string
  /** Texts that must never be shown. */
  readonly secrets: readonly string[]
  open(tools: ProbeTools): Probe
  /** Reports what the check threw apart from a run to the plugin that contributed the check. */
  fault?(error: unknown): void
}

/** @returns whether the running check may stay as it is under the new specification */
export function isSameCheck(a: CheckSpec, b: CheckSpec): boolean {
  const shape = ({ open: _, ...rest }: CheckSpec) => JSON.stringify(rest)
  return a.plugin === undefined ? shape(a) === shape(b) : a === b
}
