/** Turns the configuration and what plugins contribute into checks to run. Opens nothing. */
import type { Contributed } from '../../core/plugin.ts'
import type { HealthCheck, OffCheck } from './api.ts'
import { checkName } from './check-config.ts'
import type { CheckSpec } from './checks/check.ts'
import type { Policy } from './checks/check-state.ts'
import { secretsOf } from './checks/scrub.ts'
import type { HealthConfig } from './config.ts'
import { kindOf } from './kinds/index.ts'

/** How many checks run at most, all together. */
export const maxChecks = 2_000

/** A header value shorter than this is no secret, and taking it out would garble messages. */
const minSecretLength = 6

export interface Specs {
  readonly specs: readonly CheckSpec[]
  readonly off: readonly OffCheck[]
  /** Checks that were refused, a line each. */
  readonly refused: readonly string[]
}

type Thresholds = Pick<CheckSpec, 'everyMs' | 'timeoutMs'> & Pick<Policy, 'failureThreshold' | 'successThreshold'>

const policyOf = (check: Thresholds, startupGraceMs: number): Policy => ({
  failureThreshold: check.failureThreshold,
  successThreshold: check.successThreshold,
  startupGraceMs,
  staleAfterMs: 3 * check.everyMs + check.timeoutMs,
})

function configured(name: string, check: HealthConfig['checks'][string], graceMs: number): CheckSpec | OffCheck {
  const kind = kindOf(check)
  const url = 'url' in check ? check.url : undefined
  if (url === '') return { name, kind: kind.name, reason: 'url is empty' }
  const { every, timeout, critical, groups, dependsOn, failureThreshold, successThreshold, initialDelay, ...target } =
    check
  const hasOwnLimit = check.kind === 'disk' || check.kind === 'eventLoop'
  const degradedAboveMs = !hasOwnLimit && 'degradedAbove' in check ? check.degradedAbove : undefined
  const times = { everyMs: every, timeoutMs: timeout, failureThreshold, successThreshold }
  const headers = 'headers' in check ? Object.values(check.headers) : []
  return {
    name,
    kind: kind.name,
    plugin: undefined,
    everyMs: every,
    timeoutMs: timeout,
    initialDelayMs: initialDelay,
    critical,
    groups,
    dependsOn,
    policy: policyOf(times, graceMs),
    degradedAboveMs,
    target: JSON.stringify(target),
    secrets: [...secretsOf(url ?? ''), ...headers.filter((value) => value.length >= minSecretLength)],
    open: (tools) => kind.open(check as never, tools),
  }
}

/** Why a check of a plugin cannot run, if so. */
function faultOf({ name, everyMs = 15_000, timeoutMs = 5_000 }: HealthCheck): string | undefined {
  if (!checkName().safeParse(name).success) return 'its name must be letters, digits, "_", "." and "-"'
  if (!(everyMs >= 100)) return `everyMs must be at least 100, got ${everyMs}`
  if (!(timeoutMs > 0 && timeoutMs <= 300_000)) return `timeoutMs must be 1 to 300000, got ${timeoutMs}`
  return undefined
}

function contributed({ plugin, value, fault }: Contributed<HealthCheck>, graceMs: number): CheckSpec {
  const { everyMs = 15_000, timeoutMs = 5_000, failureThreshold = 1, successThreshold = 1 } = value
  return {
    name: value.name,
    kind: value.kind ?? 'custom',
    plugin,
    everyMs,
    timeoutMs,
    initialDelayMs: value.initialDelayMs ?? 0,
    critical: value.critical ?? false,
    groups: value.groups ?? [],
    dependsOn: value.dependsOn ?? [],
    policy: policyOf({ everyMs, timeoutMs, failureThreshold, successThreshold }, graceMs),
    degradedAboveMs: value.degradedAboveMs,
    target: `${plugin} ${value.name}`,
    secrets: [],
    open: () => ({ run: (signal) => value.run(signal) }),
    fault,
  }
}

/**
 * @param brought checks of other plugins; one whose name is taken is refused, as is what is over {@link maxChecks}
 * @returns what runs, what is off and what was refused
 */
export function buildSpecs(config: HealthConfig, brought: readonly Contributed<HealthCheck>[]): Specs {
  const specs: CheckSpec[] = []
  const off: OffCheck[] = []
  const refused: string[] = []
  const names = new Set<string>()
  for (const [name, check] of Object.entries(config.checks)) {
    const made = configured(name, check, config.startupGrace)
    if ('reason' in made) off.push(made)
    else specs.push(made)
    names.add(name)
  }
  for (const item of brought) {
    const { name } = item.value
    const fault = faultOf(item.value)
    if (fault !== undefined) refused.push(`check ${JSON.stringify(name)} of plugin ${item.plugin}: ${fault}`)
    else if (names.has(name)) refused.push(`check ${name} of plugin ${item.plugin}: the name is taken`)
    else if (specs.length >= maxChecks)
      refused.push(`check ${name} of plugin ${item.plugin}: ${maxChecks} checks are the limit`)
    else {
      specs.push(contributed(item, config.startupGrace))
      names.add(name)
    }
  }
  return { specs, off, refused }
}
