/** The checks to run, made of the configured and the contributed checks. Opens nothing. */
import type { Contributed } from '../../core/plugin.ts'
import type { HealthCheck, OffCheck } from './api.ts'
import type { CheckSpec } from './checks/check.ts'
import { secretsOf } from './checks/scrub.ts'
import type { HealthConfig } from './config.ts'
import { kindOf } from './kinds/index.ts'

/** The most checks that run, configured and contributed. */
export const maxChecks = 2_000

/** A shorter header value is not a secret, and its removal would garble messages. */
const minSecretLength = 6

/** The checks' common part: what config.yaml or a plugin leaves out has its default. */
function specOf(
  check: Omit<HealthCheck, 'run'>,
  startupGraceMs: number,
  rest: Pick<CheckSpec, 'plugin' | 'source' | 'target' | 'secrets' | 'open' | 'fault'>,
): CheckSpec {
  const { name, kind = 'custom', everyMs = 15_000, timeoutMs = 5_000, initialDelayMs = 0, critical = false } = check
  const { groups = [], dependsOn = [], failureThreshold = 1, successThreshold = 1, degradedAboveMs } = check
  return {
    ...{ name, kind, everyMs, timeoutMs, initialDelayMs, critical, groups, dependsOn, degradedAboveMs },
    policy: { failureThreshold, successThreshold, startupGraceMs, staleAfterMs: 3 * everyMs + timeoutMs },
    ...rest,
  }
}

function configured(name: string, check: HealthConfig['checks'][string], graceMs: number): CheckSpec | OffCheck {
  const kind = kindOf(check)
  const url = 'url' in check ? check.url : undefined
  if (url === '') return { name, kind: kind.name, reason: 'url is empty' }
  const { every, timeout, critical, groups, dependsOn, failureThreshold, successThreshold, initialDelay, ...target } =
    check
  const hasOwnLimit = check.kind === 'disk' || check.kind === 'eventLoop'
  const degradedAboveMs = !hasOwnLimit && 'degradedAbove' in check ? check.degradedAbove : undefined
  const times = { everyMs: every, timeoutMs: timeout, initialDelayMs: initialDelay }
  const thresholds = { failureThreshold, successThreshold, degradedAboveMs }
  const headers = 'headers' in check ? Object.values(check.headers) : []
  return specOf({ name, kind: kind.name, ...times, critical, groups, dependsOn, ...thresholds }, graceMs, {
    plugin: undefined,
    target: JSON.stringify(target),
    secrets: [...secretsOf(url ?? ''), ...headers.filter((value) => value.length >= minSecretLength)],
    open: (tools) => kind.open(check as never, tools),
  })
}

function contributed(source: Contributed<HealthCheck>, graceMs: number): CheckSpec {
  const { plugin, value, fault } = source
  return specOf(value, graceMs, {
    ...{ plugin, source, target: `${plugin} ${value.name}`, secrets: [], fault },
    open: () => ({ run: (signal) => value.run(signal) }),
  })
}

/** @param offered one whose name is taken is refused, as is every check over {@link maxChecks} */
export function buildSpecs(config: HealthConfig, offered: readonly Contributed<HealthCheck>[]) {
  const specs: CheckSpec[] = []
  const off: OffCheck[] = []
  const names = new Set<string>()
  for (const [name, check] of Object.entries(config.checks)) {
    const made = configured(name, check, config.startupGrace)
    if ('reason' in made) off.push(made)
    else specs.push(made)
    names.add(name)
  }
  for (const item of offered) {
    const { name } = item.value
    const limit = specs.length >= maxChecks ? `${maxChecks} checks are the limit` : undefined
    const refusal = names.has(name) ? 'the name is taken' : limit
    const what = refusal && `check ${name} of plugin ${item.plugin}: ${refusal}`
    item.hold(what)
    if (what !== undefined) {
      item.fault(new Error(what))
      continue
    }
    specs.push(contributed(item, config.startupGrace))
    names.add(name)
  }
  return { specs, off }
}
