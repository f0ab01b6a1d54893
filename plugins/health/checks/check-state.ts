/** PURE. The state machine of one check. */
import type { CheckResult, CheckStatus } from '../api.ts'

type Details = Readonly<Record<string, string | number | boolean>>

/** When results turn into a status. */
export interface Policy {
  /** Failures in a row before it is down. */
  readonly failureThreshold: number
  /** Successes in a row before a down is over. */
  readonly successThreshold: number
  /** Failures within so many milliseconds of the beginning leave a check unknown that was never up. */
  readonly startupGraceMs: number
  /** A result older than this many milliseconds is stale. */
  readonly staleAfterMs: number
}

export interface CheckState {
  /** What the check itself says, parents left aside. */
  readonly status: CheckStatus
  /** Epoch ms since when it has this status. */
  readonly changedAtMs: number
  /** Epoch ms of the beginning, from which the startup grace counts. */
  readonly startedAtMs: number
  readonly failures: number
  readonly successes: number
  readonly observedAtMs: number | undefined
  readonly lastSuccessAtMs: number | undefined
  readonly latencyMs: number | undefined
  readonly message: string
  readonly details: Details
}

/** One finished run. */
export interface Observation extends CheckResult {
  readonly latencyMs: number
}

/** Why a step changed the status, or left it. */
export type StepReason =
  | 'first result'
  | 'confirmed'
  | 'within startup grace'
  | 'below failure threshold'
  | 'below success threshold'
  | 'changed'

export interface Transition {
  readonly from: CheckStatus
  readonly to: CheckStatus
}

export interface Step {
  readonly state: CheckState
  readonly reason: StepReason
  readonly transition: Transition | undefined
}

/** @param nowMs epoch ms @returns the state before any result */
export const initialState = (nowMs: number): CheckState => ({
  status: 'unknown',
  changedAtMs: nowMs,
  startedAtMs: nowMs,
  failures: 0,
  successes: 0,
  observedAtMs: undefined,
  lastSuccessAtMs: undefined,
  latencyMs: undefined,
  message: 'no result yet',
  details: {},
})

function decide(
  state: CheckState,
  result: Observation,
  failures: number,
  successes: number,
  now: number,
  policy: Policy,
) {
  const { status } = state
  if (result.status !== 'down') {
    if (status === 'down' && successes < policy.successThreshold) {
      return { status, reason: 'below success threshold' as const }
    }
    if (status === result.status) return { status, reason: 'confirmed' as const }
    return { status: result.status, reason: status === 'unknown' ? ('first result' as const) : ('changed' as const) }
  }
  if (status === 'down') return { status, reason: 'confirmed' as const }
  const inGrace = status === 'unknown' && now - state.startedAtMs < policy.startupGraceMs
  if (inGrace) return { status, reason: 'within startup grace' as const }
  if (failures < policy.failureThreshold) return { status, reason: 'below failure threshold' as const }
  return { status: 'down' as const, reason: status === 'unknown' ? ('first result' as const) : ('changed' as const) }
}

/**
 * Takes one result into account.
 *
 * @param nowMs epoch ms at which the run ended
 * @returns the next state, why, and the transition if the status changed
 * @see Kubernetes' probe thresholds, https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */
export function step(state: CheckState, result: Observation, nowMs: number, policy: Policy): Step {
  const failed = result.status === 'down'
  const failures = failed ? state.failures + 1 : 0
  const successes = failed ? 0 : state.successes + 1
  const { status, reason } = decide(state, result, failures, successes, nowMs, policy)
  const changed = status !== state.status
  return {
    reason,
    transition: changed ? { from: state.status, to: status } : undefined,
    state: {
      status,
      changedAtMs: changed ? nowMs : state.changedAtMs,
      startedAtMs: state.startedAtMs,
      failures,
      successes,
      observedAtMs: nowMs,
      lastSuccessAtMs: failed ? state.lastSuccessAtMs : nowMs,
      latencyMs: result.latencyMs,
      message: result.message ?? '',
      details: result.details ?? {},
    },
  }
}

/** @returns whether the last result is too old to be relied on; never for a check without a result */
export const isStale = (state: CheckState, nowMs: number, policy: Policy): boolean =>
  state.observedAtMs !== undefined && nowMs - state.observedAtMs > policy.staleAfterMs
