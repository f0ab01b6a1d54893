/** The use of the pool by route: connections lent, time held and time waited. Bounded. */
import type { Route } from '../../../core/plugin.ts'
import type { RouteUsage } from '../api.ts'

type UsageRow = { -readonly [Key in keyof Omit<RouteUsage, 'route'>]: number }

export class UsageTable {
  private readonly rows = new Map<Route, UsageRow>()

  constructor(private readonly limit = 1_000) {}

  add(route: Route, heldMs: number, waitedMs: number): void {
    let row = this.rows.get(route)
    if (row === undefined) {
      const key = this.rows.size >= this.limit ? overflow : route
      row = this.rows.get(key) ?? { count: 0, heldMs: 0, maxHeldMs: 0, waitedMs: 0 }
      this.rows.set(key, row)
    }
    row.count += 1
    row.heldMs += heldMs
    row.waitedMs += waitedMs
    if (heldMs > row.maxHeldMs) row.maxHeldMs = heldMs
  }

  /** By time held. */
  list(): RouteUsage[] {
    const all = [...this.rows].map(([{ method, pattern }, row]) => ({ route: `${method} ${pattern}`, ...row }))
    return all.sort((a, b) => b.heldMs - a.heldMs)
  }
}

const overflow: Route = { id: -1, method: '_OTHER', pattern: '__overflow__' }
