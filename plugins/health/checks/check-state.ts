/** PURE. The state machine of one check. */
import type { CheckReport, CheckResult, CheckStatus } from '../api.ts'

/** The rules by which results become a status. */
export interface Policy {
  /** Failures in a row before the check is down. */
  readonly failureThreshold: number
  /** Successes in a row before a check that is down recovers. */
  readonly successThreshold: number
  /** Milliseconds from the beginning in which failures leave a check unknown that was never up. */
  readonly startupGraceMs: number
  /** A result older than this many milliseconds is stale. */
  readonly staleAfterMs: number
}

type Reported = 'changedAtMs' | 'observedAtMs' | 'lastSuccessAtMs' | 'latencyMs' | 'message' | 'details'

export interface CheckState extends Pick<CheckReport, Reported> {
  /** The check's own status, without its parents. */
  readonly status: CheckStatus
  /** Epoch ms of the beginning, from which the startup grace counts. */
  readonly startedAtMs: number
  readonly failures: number
  readonly successes: number
}

export interface Observation extends CheckResult {
  readonly latencyMs: number
}

/** Why a step changed or kept the status. */
export type StepReason =
  | 'first result'
  | 'confirmed'
  | 'within startup grace'
  | 'below failure threshold'
  | 'below success threshold'
  | 'changed'

export interface Step {
  readonly state: CheckState
  readonly reason: StepReason
  readonly transition: { readonly from: CheckStatus; readonly to: CheckStatus } | undefined
}

/** @param nowMs epoch ms @returns the state before any result */
export const initialState = (nowMs: number): CheckState => ({
  ...{ status: 'unknown', changedAtMs: nowMs, startedAtMs: nowMs },
  ...{ failures: 0, successes: 0, observedAtMs: undefined, lastSuccessAtMs: undefined, latencyMs: undefined },
  ...{ message: 'no result yet', details: {} },
})

function decide(
  { status, startedAtMs }: CheckState,
  found: CheckStatus,
  { failures, successes }: Pick<CheckState, 'failures' | 'successes'>,
  nowMs: number,
  policy: Policy,
): [CheckStatus, StepReason] {
  if (found === status) return [status, 'confirmed']
  if (found === 'down') {
    if (status === 'unknown' && nowMs - startedAtMs < policy.startupGraceMs) return [status, 'within startup grace']
    if (failures < policy.failureThreshold) return [status, 'below failure threshold']
  } else if (status === 'down' && successes < policy.successThreshold) return [status, 'below success threshold']
  return [found, status === 'unknown' ? 'first result' : 'changed']
}

/** @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ for the thresholds of probes */
export function step(state: CheckState, result: Observation, nowMs: number, policy: Policy): Step {
  const failed = result.status === 'down'
  const counts = { failures: failed ? state.failures + 1 : 0, successes: failed ? 0 : state.successes + 1 }
  const [status, reason] = decide(state, result.status, counts, nowMs, policy)
  const changed = status !== state.status
  return {
    reason,
    transition: changed ? { from: state.status, to: status } : undefined,
    state: {
      status,
      changedAtMs: changed ? nowMs : state.changedAtMs,
      startedAtMs: state.startedAtMs,
      ...counts,
      observedAtMs: nowMs,
      lastSuccessAtMs: failed ? state.lastSuccessAtMs : nowMs,
      latencyMs: result.latencyMs,
      message: result.message ?? '',
      details: result.details ?? {},
    },
  }
}

/** @returns whether the last result is too old to rely on; never for a check without a result */
export const isStale = (state: CheckState, nowMs: number, policy: Policy): boolean =>
  state.observedAtMs !== undefined && nowMs - state.observedAtMs > policy.staleAfterMs
