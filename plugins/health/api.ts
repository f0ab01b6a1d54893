/** The interface of health for other plugins. */
import { extensionPoint, service } from '../../core/plugin.ts'

export type CheckStatus = 'up' | 'degraded' | 'down' | 'unknown'

/** The result of one run. A run that throws is down. */
export interface CheckResult {
  readonly status: Exclude<CheckStatus, 'unknown'>
  /** One line for operators, no secrets. */
  readonly message?: string
  /** Milliseconds of the part to be timed. @default the whole run */
  readonly latencyMs?: number
  /** Numbers and short strings for operators: latency, connections. No secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** A check that a plugin contributes. */
export interface HealthCheck {
  /** Unique among checks; shown in `/readyz/NAME`. */
  readonly name: string
  /** The kind of target, for reports. @default 'custom' */
  readonly kind?: string
  /** Milliseconds. @default 15_000 */
  readonly everyMs?: number
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number
  /** Milliseconds to wait before the first run. @default 0 */
  readonly initialDelayMs?: number
  /** Whether the overall status is down when this check is. @default false */
  readonly critical?: boolean
  /** Check groups of this check, `ready` for `/readyz`. @default [] */
  readonly groups?: readonly string[]
  /** Names of checks that must be up, else this check is unknown. @default [] */
  readonly dependsOn?: readonly string[]
  /** Failures in a row before the check is down. @default 1 */
  readonly failureThreshold?: number
  /** Successes in a row before a check that is down recovers. @default 1 */
  readonly successThreshold?: number
  /** Latency in milliseconds above which `up` becomes `degraded`. */
  readonly degradedAboveMs?: number
  /**
   * Runs the check. When `signal` aborts, the run must close all that the run opened; its result is ignored. A run must
   * not block the event loop.
   */
  run(signal: AbortSignal): CheckResult | Promise<CheckResult>
}
/** The names of checks. */
export const checkNames = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

export const healthCheck = extensionPoint<HealthCheck>('health.check', {
  shape: {
    ...{ name: 'text', kind: 'text?', everyMs: 'period?', timeoutMs: 'period?', initialDelayMs: 'number?' },
    ...{ critical: 'flag?', groups: 'texts?', dependsOn: 'texts?', degradedAboveMs: 'number?', run: 'function' },
    ...{ failureThreshold: 'number?', successThreshold: 'number?' },
  },
  nameOf: ({ name }) => name,
  refuse({ name, everyMs = 15_000, timeoutMs = 5_000 }) {
    if (!checkNames.test(name)) return `name must be letters, digits, "_", "." and "-", got ${JSON.stringify(name)}`
    if (everyMs < 100) return `everyMs must be at least 100, got ${everyMs}`
    return timeoutMs > 300_000 ? `timeoutMs must be at most 300000, got ${timeoutMs}` : undefined
  },
})

/** A check with its last result. */
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
  /** Epoch milliseconds of the last run that was up or degraded. */
  readonly lastSuccessAtMs: number | undefined
  /** Epoch milliseconds since which the check has this status. */
  readonly changedAtMs: number
  /** The result is older than three intervals and one timeout. */
  readonly stale: boolean
  /** The parent that is down and makes this check unknown. */
  readonly parent: string | undefined
  readonly message: string
  readonly details: Readonly<Record<string, string | number | boolean>>
}

/** A check that does not run, with the reason. */
export interface OffCheck {
  readonly name: string
  readonly kind: string
  readonly reason: string
}

export interface Health {
  /** `down` when a critical check is down, `degraded` when a check is stale or not up. */
  status(): Exclude<CheckStatus, 'unknown'>
  checks(): readonly CheckReport[]
  /** Checks without a target. */
  off(): readonly OffCheck[]
  /** Calls back when a check changes its status. @returns stops the calls */
  onChange(listener: (check: CheckReport, before: CheckStatus) => void): () => void
}
export const Health = service<Health>('health')
