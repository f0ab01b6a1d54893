/** What other plugins may use of health. */
import { extensionPoint, service } from '../../core/token.ts'

export type CheckStatus = 'up' | 'degraded' | 'down' | 'unknown'

/** What one run of a check found. Throwing means down. */
export interface CheckResult {
  readonly status: Exclude<CheckStatus, 'unknown'>
  /** One line for operators, no secrets. */
  readonly message?: string
  /** Numbers and short strings worth showing: latency, connections. No secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** A check that a plugin brings. */
export interface HealthCheck {
  /** Unique among checks; shown in `/readyz/NAME`. */
  readonly name: string
  /** Milliseconds. @default 15_000 */
  readonly everyMs?: number
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number
  /** Whether `down` makes the whole unhealthy. @default false */
  readonly critical?: boolean
  /** Groups it belongs to, `ready` for `/readyz`. @default [] */
  readonly groups?: readonly string[]
  /** Names of checks that must be up for this one to mean anything. @default [] */
  readonly dependsOn?: readonly string[]
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>
}
export const healthCheck = extensionPoint<HealthCheck>('health.check')

/** A check as it stands. */
export interface CheckReport {
  readonly name: string
  readonly status: CheckStatus
  readonly critical: boolean
  readonly groups: readonly string[]
  /** Milliseconds of the last run. */
  readonly latencyMs: number | undefined
  /** Epoch milliseconds of the last finished run. */
  readonly observedAtMs: number | undefined
  /** Since when it has this status. */
  readonly changedAtMs: number
  /** The result is older than three intervals. */
  readonly stale: boolean
  readonly message: string
  readonly details: Readonly<Record<string, string | number | boolean>>
}

export interface Health {
  /** `down` when a critical check is down, `degraded` when something is less than up. */
  status(): Exclude<CheckStatus, 'unknown'>
  checks(): readonly CheckReport[]
  /** Calls back when a check changes its status. @returns stops the calls */
  onChange(listener: (check: CheckReport, before: CheckStatus) => void): () => void
}
export const Health = service<Health>('health')
