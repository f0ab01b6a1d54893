/** PURE. The dependencies between checks: their order, and the status that parents leave to a check. */
import { type Conflict, didYouMean } from '../../../core/plugin.ts'
import type { CheckReport, CheckStatus } from '../api.ts'

/** The names in `dependsOn`, by check. */
export type Parents = ReadonlyMap<string, readonly string[]>

export interface Effective {
  readonly status: CheckStatus
  /** The check at the root that is down and makes this check unknown. */
  readonly parent: string | undefined
}

/** @returns parents first; the first circle as a path, its last edge ignored; names that no check has */
export function orderChecks(parents: Parents) {
  const order: string[] = []
  const missing = new Set<string>()
  const done = new Set<string>()
  const path: string[] = []
  let cycle: string[] | undefined
  const visit = (name: string) => {
    if (done.has(name)) return
    const at = path.indexOf(name)
    if (at >= 0) {
      cycle ??= [...path.slice(at), name]
      return
    }
    path.push(name)
    for (const parent of parents.get(name) ?? []) {
      if (parents.has(parent)) visit(parent)
      else missing.add(parent)
    }
    path.pop()
    done.add(name)
    order.push(name)
  }
  for (const name of parents.keys()) visit(name)
  return { order, cycle, missing: [...missing] }
}

/** @param offered names of contributed checks @returns a conflict for each name in `dependsOn` that no check has */
export function unknownParents(parents: Parents, offered: readonly string[]): Conflict[] {
  const known = new Set([...parents.keys(), ...offered])
  return [...parents].flatMap(([check, names]) =>
    names.flatMap((name, index) => {
      if (known.has(name)) return []
      const help = didYouMean(name, known) ?? 'name a check of this section, or one that a plugin contributes'
      return { path: ['checks', check, 'dependsOn', index], what: `no check is called ${JSON.stringify(name)}`, help }
    }),
  )
}

/** A check below a parent that is down is unknown, whatever its own result. @param order parents first */
export function effectiveStatuses(
  order: readonly string[],
  parents: Parents,
  own: (name: string) => CheckStatus,
): Map<string, Effective> {
  const result = new Map<string, Effective>()
  for (const name of order) {
    let root: string | undefined
    for (const parent of parents.get(name) ?? []) {
      const above = result.get(parent)
      if (above === undefined) continue
      if (above.parent !== undefined) root = above.parent
      else if (above.status === 'down') root = parent
      if (root !== undefined) break
    }
    result.set(name, { status: root === undefined ? own(name) : 'unknown', parent: root })
  }
  return result
}

export const isHealthy = (status: CheckStatus): boolean => status === 'up' || status === 'degraded'

type Judged = Pick<CheckReport, 'status' | 'critical' | 'stale'>

/** @returns `down` if a critical check is down, `degraded` if anything is less than up or stale, else `up` */
export function overallStatus(checks: Iterable<Judged>): Exclude<CheckStatus, 'unknown'> {
  let overall: 'up' | 'degraded' = 'up'
  for (const check of checks) {
    if (check.status === 'down' && check.critical) return 'down'
    if (check.status !== 'up' || check.stale) overall = 'degraded'
  }
  return overall
}
