/** A check as the engine runs it, configured or contributed. */
import type { EventLoop } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import type { Policy } from './check-state.ts'

/** The probe of a target. Keeps its connection between runs and closes the connection when `signal` aborts. */
export interface Probe {
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>
  /** Closes what the probe keeps open. Safe twice, and while a run is in progress. */
  close?(): void
}

/** The parts of the process that probes use. */
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
  /** The plugin that contributed the check; undefined for a check of config.yaml. */
  readonly plugin: string | undefined
  readonly everyMs: number
  readonly timeoutMs: number
  readonly initialDelayMs: number
  readonly critical: boolean
  readonly groups: readonly string[]
  readonly dependsOn: readonly string[]
  readonly policy: Policy
  readonly degradedAboveMs: number | undefined
  /** The target and how it is probed: a change of anything else keeps the state. */
  readonly target: string
  /** The contribution, as the same object while it is the same; undefined for a check of config.yaml. */
  readonly source?: object | undefined
  /** Texts that must never be shown. */
  readonly secrets: readonly string[]
  open(tools: ProbeTools): Probe
  /** Reports an error outside a run to the plugin that contributed the check. */
  fault?(error: unknown): void
}

/** @returns whether the running check may stay as it is under the new specification */
export function isSameCheck(a: CheckSpec, b: CheckSpec): boolean {
  const shape = ({ open: _, source: __, ...rest }: CheckSpec) => JSON.stringify(rest)
  return a.source === b.source && shape(a) === shape(b)
}
