/** Appends records to the chain: in order, many in one transaction, and none that did not reach the disk. */
import { extensionPoint, messageOf } from '../../../core/plugin.ts'
import type { StoreArea } from '../../store/api.ts'
import type { AuditRecord } from '../api.ts'
import { type Checkpoint, type Link, next, origin } from '../chain/chain.ts'
import { auditError } from '../errors.ts'

export const auditMigration = `
  CREATE TABLE audit_records (seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, hash TEXT NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE INDEX audit_records_time ON audit_records (time_ms);
  CREATE TABLE audit_anchor (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint TEXT NOT NULL) STRICT;`

export const maxWaiting = 1_000
const maxBatch = 200
export const maxRecordBytes = 16 * 1024

export type Draft = Omit<AuditRecord, 'seq' | 'time'>

type Waiting = PromiseWithResolvers<number> & { readonly draft: Draft; readonly timeMs: number }

export interface JournalOptions {
  area(): StoreArea | undefined
  now(): number
  /** After records reached the disk: the last link, and their lines. */
  written(head: Link, lines: readonly string[]): void
  /** After records could not be written. */
  failed(reason: string): void
}

/** The JSON of a record; what is too large goes without its changes. */
export function textOf(draft: Draft, seq: number, timeMs: number): string {
  const record = { seq, time: new Date(timeMs).toISOString(), ...draft }
  const whole = JSON.stringify(record)
  return whole.length <= maxRecordBytes ? whole : JSON.stringify({ ...record, changes: undefined, truncated: true })
}

/** The signed link before the first record that is kept. */
export function anchorOf(area: StoreArea): Checkpoint | undefined {
  const row = area.get<{ checkpoint: string }>('SELECT checkpoint FROM audit_anchor WHERE id = 1')
  return row && (JSON.parse(row.checkpoint) as Checkpoint)
}

/** The journal in force: a change that replaces the audit log gets its outcome from the successor. */
export const auditJournal = extensionPoint<Journal>('audit.journal')

export class Journal {
  records = 0
  refused = 0
  #head: Link | undefined
  #waiting: Waiting[] = []
  #busy: Promise<void> | undefined

  constructor(private readonly options: JournalOptions) {}

  get head(): Link {
    const area = this.options.area()
    const newest = 'SELECT seq, hash FROM audit_records ORDER BY seq DESC LIMIT 1'
    this.#head ??= (area && (area.get<Link>(newest) ?? anchorOf(area))) ?? origin
    return this.#head
  }

  /** @returns its number, once it is on the disk @throws AUDIT_UNAVAILABLE */
  append(draft: Draft): Promise<number> {
    if (this.#waiting.length >= maxWaiting) return Promise.reject(this.#refusal(`${maxWaiting} records are waiting`))
    const waiting = { draft, timeMs: this.options.now(), ...Promise.withResolvers<number>() }
    this.#waiting.push(waiting)
    this.#busy ??= this.#drain()
    return waiting.promise
  }

  #refusal(reason: string, cause?: unknown) {
    this.refused += 1
    return auditError('AUDIT_UNAVAILABLE', { reason }, cause)
  }

  /** Resolves when nothing waits. */
  async flush(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, maxBatch)
      try {
        await this.#write(batch)
      } catch (error) {
        // Whether the transaction took place is not known: the next one reads the end of the chain again.
        this.#head = undefined
        this.options.failed(messageOf(error))
        for (const { reject } of batch) reject(this.#refusal(messageOf(error), error))
      }
    }
    // In the turn of the loop's last look, so that what comes right after it begins anew.
    this.#busy = undefined
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const area = this.options.area()
    if (area === undefined) throw new Error('the store is not open')
    let link = this.head
    const rows = batch.map(({ draft, timeMs }) => {
      const text = textOf(draft, link.seq + 1, timeMs)
      link = next(link, text)
      return { text, timeMs, link }
    })
    await area.write(
      rows.map(({ text, timeMs, link: { seq, hash } }) => ({
        sql: 'INSERT INTO audit_records (seq, time_ms, hash, record) VALUES (?, ?, ?, ?)',
        params: [seq, timeMs, hash, text],
      })),
    )
    this.#head = link
    this.records += rows.length
    const lines = rows.map(({ text }) => text)
    this.options.written(link, lines)
    for (const [index, { resolve }] of batch.entries()) resolve(rows[index]!.link.seq)
  }
}
