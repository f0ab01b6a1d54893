/** What a kind of check is. */
import type { CheckResult } from '../api.ts'
import type { CheckConfig } from '../check-config.ts'
import type { Probe, ProbeTools } from '../checks/check.ts'

/** `Options` are the check's, of its schema in config-checks.ts. */
export interface KindOf<Options> {
  readonly name: CheckConfig['kind']
  /** Whether `degradedAbove` of its options is a latency. */
  readonly timesLatency: boolean
  /** Why a check with these options has nothing to look at. */
  offReason?(config: Options): string | undefined
  /** Makes the probe; connections are opened by its first run. */
  open(config: Options, tools: ProbeTools): Probe
}

export type Kind<K extends CheckConfig['kind']> = KindOf<Extract<CheckConfig, { kind: K }>>

type Verdict = Pick<CheckResult, 'status' | 'message'>

const rank = { up: 0, degraded: 1, down: 2 } as const

/** @returns the worst of the findings, `up` without any; of equals the first */
export function worst(...findings: (Verdict | false | undefined)[]): Verdict {
  let result: Verdict = { status: 'up' }
  for (const finding of findings) if (finding && rank[finding.status] > rank[result.status]) result = finding
  return result
}

/** @param share 0-1 @returns `83 %` */
export const percent = (share: number): string => `${Math.round(share * 100)} %`
