/** What a pool keeps of its statements and of the requests of each route, within bounds. */
import type { Clock, Logger, Route } from '../../../core/plugin.ts'
import type { RouteUsage, SlowStatement, StatementStats } from '../api.ts'
import type { Fingerprint, StatementRow } from '../statements/fingerprint.ts'

export const otherStatements = '__overflow__'
const otherRoutes: Route = { id: -1, method: '_OTHER', pattern: otherStatements }

/** By fingerprint; those over the limit are counted together. */
export class StatementTable {
  private readonly rows = new Map<string, StatementRow>()

  constructor(private readonly limit = 500) {}

  /** @param sample the text of one, for the first that has it */
  add(shape: Fingerprint, tookMs: number, failed: boolean, sample: string | undefined): void {
    shape.row ??= this.rowOf(shape)
    const { row } = shape
    row.count += 1
    row.totalMs += tookMs
    if (failed) row.errors += 1
    else if (sample !== undefined) row.sample ??= sample
    if (tookMs > row.maxMs) row.maxMs = tookMs
  }

  /** By time in all. */
  top(limit: number): StatementStats[] {
    const all = [...this.rows.values()].sort((a, b) => b.totalMs - a.totalMs).slice(0, limit)
    return all.map(({ sample: _, ...row }) => ({ ...row, meanMs: row.totalMs / Math.max(1, row.count) }))
  }

  /** @param id of the fingerprint */
  find(id: string): StatementRow | undefined {
    return this.rows.get(id)
  }

  private rowOf({ id, text }: Fingerprint): StatementRow {
    const isFull = this.rows.size >= this.limit && !this.rows.has(id)
    const [key, name] = isFull ? [otherStatements, otherStatements] : [id, text]
    const none = { count: 0, errors: 0, totalMs: 0, maxMs: 0, sample: undefined }
    const row: StatementRow = this.rows.get(key) ?? { id: key, statement: name, ...none }
    this.rows.set(key, row)
    return row
  }
}

type UsageRow = { -readonly [Key in keyof Omit<RouteUsage, 'route'>]: number }

/** By route: connections lent, time held and time waited. */
export class UsageTable {
  private readonly rows = new Map<Route, UsageRow>()

  constructor(private readonly limit = 1_000) {}

  add(route: Route, heldMs: number, waitedMs: number): void {
    let row = this.rows.get(route)
    if (row === undefined) {
      const key = this.rows.size >= this.limit ? otherRoutes : route
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

/** Lines in a second; the others are counted and kept. */
const linesPerSecond = 10

/** The latest slow statements, without their values. */
export class SlowLog {
  /** In all. */
  count = 0
  private readonly kept: SlowStatement[] = []
  private second = 0
  private logged = 0

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly limit = 200,
  ) {}

  add(entry: SlowStatement): void {
    this.count += 1
    this.kept.push(entry)
    if (this.kept.length > this.limit) this.kept.shift()
    const second = Math.floor(this.clock.monotonic() / 1_000)
    if (second !== this.second) this.logged = 0
    this.second = second
    this.logged += 1
    if (this.logged <= linesPerSecond) this.log.warn('slow statement', { ...entry })
  }

  /** Newest first. */
  latest(limit: number): SlowStatement[] {
    return this.kept.slice(-limit).reverse()
  }
}
