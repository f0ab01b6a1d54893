/** What other plugins may use of health. */
import { extensionPoint, service } from '../../core/plugin.ts'

export type CheckStatus = 'up' | 'degraded' | 'down' | 'unknown'

/** What one run of a check found. Throwing means down. */
export interface CheckResult {
  readonly status: Exclude<CheckStatus, 'unknown'>
  /** One line for operators, no secrets. */
  readonly message?: string
  /** Milliseconds of the part that matters; without it the whole run is timed. */
  readonly latencyMs?: number
  /** Numbers and short strings worth showing: latency, connections. No secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** A check that a plugin brings. */
export interface HealthCheck {
  /** Unique among checks; shown in `/readyz/NAME`. */
  readonly name: string
  /** What is checked, for reports. @default 'custom' */
  readonly kind?: string
  /** Milliseconds. @default 15_000 */
  readonly everyMs?: number
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number
  /** Milliseconds to wait before the first run. @default 0 */
  readonly initialDelayMs?: number
  /** Whether `down` makes the whole unhealthy. @default false */
  readonly critical?: boolean
  /** Groups it belongs to, `ready` for `/readyz`. @default [] */
  readonly groups?: readonly string[]
  /** Names of checks that must be up for this one to mean anything. @default [] */
  readonly dependsOn?: readonly string[]
  /** Failures in a row before it is down. @default 1 */
  readonly failureThreshold?: number
  /** Successes in a row before it is no longer down. @default 1 */
  readonly successThreshold?: number
  /** Latency in milliseconds above which an up is a degraded. */
  readonly degradedAboveMs?: number
  /**
   * Runs the check. When `signal` aborts, its time is over: it must let go of what it opened, and what it still
   * returns is ignored. It must not block the event loop.
   */
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>
}
export const healthCheck = extensionPoint<HealthCheck>('health.check')

/** A check as it stands. */
export interface CheckReport {
  readonly name: string
  readonly kind: string
  /** `unknown` until the first result, and while a parent is down. */
  readonly status: CheckStatus
  readonly critical: boolean
  readonly groups: readonly string[]
  /** Milliseconds of the last run. */
  readonly latencyMs: number | undefined
  /** Epoch milliseconds of the last finished run. */
  readonly observedAtMs: number | undefined
  /** Epoch milliseconds of the last run that found it up or degraded. */
  readonly lastSuccessAtMs: number | undefined
  /** Since when it has this status. */
  readonly changedAtMs: number
  /** The result is older than three intervals and one timeout. */
  readonly stale: boolean
  /** The check that is down and hides this one. */
  readonly parent: string | undefined
  readonly message: string
  readonly details: Readonly<Record<string, string | number | boolean>>
}

/** A check that does not run, and why. */
export interface OffCheck {
  readonly name: string
  readonly kind: string
  readonly reason: string
}

export interface Health {
  /** `down` when a critical check is down, `degraded` when something is less than up. */
  status(): Exclude<CheckStatus, 'unknown'>
  checks(): readonly CheckReport[]
  /** Checks without a target. */
  off(): readonly OffCheck[]
  /** Calls back when a check changes its status. @returns stops the calls */
  onChange(listener: (check: CheckReport, before: CheckStatus) => void): () => void
}
export const Health = service<Health>('health')
