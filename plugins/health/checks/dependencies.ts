/** PURE. What the dependencies between checks make of their own statuses. */
import { type Conflict, didYouMean } from '../../../core/plugin.ts'
import type { CheckStatus } from '../api.ts'

/** Names by check, of the checks that must be up for it to mean anything. */
export type Parents = ReadonlyMap<string, readonly string[]>

export interface Effective {
  readonly status: CheckStatus
  /** The check at the root that is down, if that is why this one is unknown. */
  readonly parent: string | undefined
}

/**
 * Sorts checks so that parents come first.
 *
 * @returns the order; the first circle as a path (`a -> b -> a`), its last edge left out of account; names that no check has
 */
export function orderChecks(parents: Parents): {
  readonly order: readonly string[]
  readonly cycle: readonly string[] | undefined
  readonly missing: readonly string[]
} {
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

/**
 * @param offered names of the checks that plugins bring
 * @returns a conflict for each name in `dependsOn` that no check has, at its place in the section
 */
export function unknownParents(parents: Parents, offered: readonly string[]): Conflict[] {
  const known = new Set([...parents.keys(), ...offered])
  return [...parents].flatMap(([check, names]) =>
    names.flatMap((name, index) =>
      known.has(name)
        ? []
        : [
            {
              path: ['checks', check, 'dependsOn', index],
              what: `no check is called ${JSON.stringify(name)}`,
              help: didYouMean(name, known) ?? 'name a check of this section, or one that a plugin brings',
            },
          ],
    ),
  )
}

/**
 * A check below one that is down is unknown: its own result says nothing then.
 *
 * @param order parents first, of {@link orderChecks}
 * @param own the status that each check found for itself
 */
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
    result.set(
      name,
      root === undefined ? { status: own(name), parent: undefined } : { status: 'unknown', parent: root },
    )
  }
  return result
}

interface Judged {
  readonly status: CheckStatus
  readonly critical: boolean
  readonly stale: boolean
}

/** @returns `down` if a critical check is down, `degraded` if anything is less than up or stale, else `up` */
export function overallStatus(checks: Iterable<Judged>): Exclude<CheckStatus, 'unknown'> {
  let overall: 'up' | 'degraded' = 'up'
  for (const check of checks) {
    if (check.status === 'down' && check.critical) return 'down'
    if (check.status !== 'up' || check.stale) overall = 'degraded'
  }
  return overall
}
