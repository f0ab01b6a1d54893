/** PURE. The parts of `/livez`, `/readyz` and `/startupz`, and whether each part is well. */
import type { PluginStatus, RuntimeStatus } from '../../../core/plugin.ts'
import type { CheckReport } from '../api.ts'
import { isHealthy } from '../checks/dependencies.ts'
import type { HealthConfig } from '../config.ts'

export interface ProbeItem {
  readonly name: string
  readonly ok: boolean
  readonly reason: string
  /** Why the part does not count. */
  readonly excluded?: string
}

export interface ReadinessInput {
  readonly runtime: Pick<RuntimeStatus, 'ready' | 'stopping' | 'paused' | 'embedded' | 'plugins'>
  readonly pauseReason: string | undefined
  readonly checks: readonly CheckReport[]
  readonly mode: HealthConfig['ready']
}

const fine = (name: string): ProbeItem => ({ name, ok: true, reason: '' })
const bad = (name: string, reason: string): ProbeItem => ({ name, ok: false, reason })

/** Liveness depends on nothing outside: the answer itself is the proof. */
export const livenessItems = (): readonly ProbeItem[] => [fine('ping')]

function pluginItem({ name, state, reason }: PluginStatus): ProbeItem {
  if (state === 'ok' || state === 'degraded') return fine(`plugin.${name}`)
  return bad(`plugin.${name}`, reason === '' ? state : `${state}: ${reason}`)
}

type StartupStatus = Pick<RuntimeStatus, 'ready' | 'stopping' | 'plugins'>

/** @returns the parts of `/startupz`: the boot, and required plugins */
export function startupItems({ ready, stopping, plugins }: StartupStatus): readonly ProbeItem[] {
  const boot = ready || stopping ? fine('boot') : bad('boot', 'not all plugins have started')
  return [boot, ...plugins.filter((plugin) => plugin.required).map(pluginItem)]
}

/** `group`: the group `ready`; `critical`: also critical checks; `auto`: the group, or critical ones when embedded. */
function readyChecks({ runtime, checks, mode }: ReadinessInput): readonly CheckReport[] {
  const inGroup = checks.filter((check) => check.groups.includes('ready'))
  if (mode === 'critical') return checks.filter((check) => check.critical || check.groups.includes('ready'))
  if (mode === 'auto' && inGroup.length === 0 && runtime.embedded) return checks.filter((check) => check.critical)
  return inGroup
}

function checkItem(check: CheckReport, monitoringPaused: boolean): ProbeItem {
  const { name, status, message } = check
  if (isHealthy(status)) return fine(name)
  if (monitoringPaused && check.observedAtMs === undefined) return { ...fine(name), excluded: 'monitoring is paused' }
  return bad(name, message === '' ? status : message)
}

/** @returns the parts of `/readyz`, the parts of the process first */
export function readinessItems(input: ReadinessInput): readonly ProbeItem[] {
  const { runtime, pauseReason } = input
  const [boot, ...plugins] = startupItems(runtime)
  return [
    runtime.stopping ? bad('shutdown', 'stopping') : fine('shutdown'),
    boot!,
    pauseReason === undefined ? fine('pause') : bad('pause', `announced stall: ${pauseReason}`),
    ...plugins,
    ...readyChecks(input).map((check) => checkItem(check, runtime.paused)),
  ]
}

export interface ProbeQuery {
  readonly verbose: boolean
  readonly exclude: readonly string[]
  readonly details: boolean
}

/** As the Kubernetes API server. @see https://kubernetes.io/docs/reference/using-api/health-checks/ */
export function renderProbe(probe: string, items: readonly ProbeItem[], query: ProbeQuery) {
  const excluded = new Set(query.exclude)
  const lines: string[] = []
  let ok = true
  for (const item of items) {
    const wasNamed = excluded.delete(item.name)
    if (wasNamed) lines.push(`[+]${item.name} excluded: ok`)
    else if (item.excluded !== undefined) lines.push(`[+]${item.name} excluded: ${item.excluded}`)
    else if (item.ok) lines.push(`[+]${item.name} ok`)
    else {
      ok = false
      lines.push(`[-]${item.name} failed: ${query.details ? item.reason : 'reason withheld'}`)
    }
  }
  if (ok && !query.verbose) return { ok, text: 'ok' }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(', ')
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`)
  }
  return { ok, text: `${lines.join('\n')}\n${probe} check ${ok ? 'passed' : 'failed'}\n` }
}
