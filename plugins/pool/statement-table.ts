/** What statements took, by shape. Bounded: what comes when it is full is counted together. */
import type { StatementStats } from './api.ts'

export const otherStatements = '__overflow__'

export class StatementTable {
  private readonly rows = new Map<string, { count: number; errors: number; totalMs: number; maxMs: number }>()

  constructor(private readonly limit = 500) {}

  add(statement: string, tookMs: number, failed: boolean): void {
    const isFull = this.rows.size >= this.limit && !this.rows.has(statement)
    const key = isFull ? otherStatements : statement
    const row = this.rows.get(key) ?? { count: 0, errors: 0, totalMs: 0, maxMs: 0 }
    if (row.count === 0) this.rows.set(key, row)
    row.count += 1
    row.totalMs += tookMs
    if (failed) row.errors += 1
    if (tookMs > row.maxMs) row.maxMs = tookMs
  }

  /** By time in all. */
  top(limit: number): StatementStats[] {
    const all = [...this.rows].map(([statement, row]) => ({ statement, ...row }))
    return all.sort((a, b) => b.totalMs - a.totalMs).slice(0, limit)
  }
}
