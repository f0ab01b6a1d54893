/** PURE. The JSON answers of `/health` and `/health/comprehensive`. */
import type { CheckReport, CheckStatus, OffCheck } from '../api.ts'
import { isHealthy, overallStatus } from '../checks/dependencies.ts'

export interface ReportInput {
  readonly checks: readonly CheckReport[]
  readonly off: readonly OffCheck[]
  /** Epoch ms. */
  readonly nowMs: number
  /** Whether errors and measured details may be shown. */
  readonly details: boolean
  readonly paused: boolean
}

const iso = (ms: number): string => new Date(ms).toISOString()
const round = (ms: number): number => Math.round(ms * 100) / 100
export const withheld = 'reason withheld'

/** @returns why a check is less than up, or is stale; undefined where there is nothing to say */
export const errorOf = ({ status, stale, message }: CheckReport, details: boolean): string | undefined =>
  status === 'up' && !stale ? undefined : details ? message || status : withheld

function checkJson(check: CheckReport, nowMs: number, details: boolean) {
  const { status, kind, critical, groups, latencyMs, observedAtMs } = check
  const error = errorOf(check, details)
  return {
    ...{ healthy: isHealthy(status), status, kind, critical, groups },
    latency_ms: latencyMs === undefined ? null : round(latencyMs),
    last_change: iso(check.changedAtMs),
    observed_at: observedAtMs === undefined ? null : iso(observedAtMs),
    age_ms: observedAtMs === undefined ? null : nowMs - observedAtMs,
    stale: check.stale,
    ...(check.parent !== undefined && { parent: check.parent }),
    ...(error !== undefined && { error }),
    ...(details && Object.keys(check.details).length > 0 && { details: check.details }),
  }
}

/** The answer of `/health/comprehensive`. `overall_healthy` is false when a critical check is down. */
export function comprehensive({ checks, off, nowMs, details, paused }: ReportInput) {
  const status = overallStatus(checks)
  return {
    status,
    overall_healthy: status !== 'down',
    ...(paused && { monitoring_paused: true }),
    checks: Object.fromEntries(checks.map((check) => [check.name, checkJson(check, nowMs, details)])),
    ...(off.length > 0 && { off: Object.fromEntries(off.map(({ name, reason }) => [name, reason])) }),
    timestamp: iso(nowMs),
  }
}

export type ComprehensiveJson = ReturnType<typeof comprehensive>

/** The answer of `/health`: the overall status, and the number of checks by status. */
export function basic({ checks, nowMs }: ReportInput) {
  const counts: Record<CheckStatus, number> = { up: 0, degraded: 0, down: 0, unknown: 0 }
  for (const check of checks) counts[check.status] += 1
  return { status: overallStatus(checks), checks: counts, timestamp: iso(nowMs) }
}

const outcomeOf = (check: CheckReport): 'pass' | 'warn' | 'fail' => {
  if (check.status === 'down') return check.critical ? 'fail' : 'warn'
  return check.status === 'up' && !check.stale ? 'pass' : 'warn'
}

const units = { Ms: 'ms', Seconds: 's', Bytes: 'bytes', Days: 'd', Ratio: 'ratio' }
const unitOf = (name: string) => Object.entries(units).find(([suffix]) => name.endsWith(suffix))?.[1]

const componentTypes: Readonly<Record<string, string>> = {
  ...{ postgres: 'datastore', mysql: 'datastore', redis: 'datastore' },
  ...{ disk: 'system', eventLoop: 'system', process: 'system' },
}

/** `application/health+json`. @see https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06 */
export function healthJson({ checks, nowMs, details }: ReportInput, version: string) {
  const measured: Record<string, readonly object[]> = {}
  const overall = overallStatus(checks)
  for (const check of checks) {
    const status = outcomeOf(check)
    const componentType = componentTypes[check.kind] ?? 'component'
    const time = check.observedAtMs === undefined ? {} : { time: iso(check.observedAtMs) }
    const latency = check.latencyMs !== undefined && { observedValue: round(check.latencyMs), observedUnit: 'ms' }
    const output = status !== 'pass' && { output: errorOf(check, details) }
    measured[`${check.name}:responseTime`] = [{ componentType, ...latency, status, ...time, ...output }]
    for (const [name, observedValue] of details ? Object.entries(check.details) : []) {
      const unit = unitOf(name)
      const observed = { observedValue, ...(unit && { observedUnit: unit }) }
      measured[`${check.name}:${name}`] = [{ componentType, ...observed, ...time }]
    }
  }
  return {
    status: overall === 'down' ? 'fail' : overall === 'degraded' ? 'warn' : 'pass',
    version: version.split('.')[0],
    releaseId: version,
    checks: measured,
    time: iso(nowMs),
  }
}
