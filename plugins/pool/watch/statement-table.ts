/** Number and time of statements by fingerprint. Bounded: fingerprints over the limit are counted together. */
import type { StatementStats } from '../api.ts'
import type { Fingerprint, StatementRow } from '../statements/fingerprint.ts'

export const otherStatements = '__overflow__'

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
