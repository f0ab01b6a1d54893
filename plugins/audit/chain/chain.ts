/** PURE. The hash chain: each record carries on from the one before it, so that no change of the past goes unseen. */
import { createHash } from 'node:crypto'
import type { AuditVerdict } from '../api.ts'

/** A place in the chain: the number of a record, and the hash of it and all before it. */
export interface Link {
  readonly seq: number
  /** 64 hex digits. */
  readonly hash: string
}

/** Before the first record. */
export const origin: Link = { seq: 0, hash: '0'.repeat(64) }

/** A link that somebody signed. */
export interface Checkpoint extends Link {
  /** Epoch milliseconds. */
  readonly timeMs: number
  /** Of {@link signedText}, base64. */
  readonly signature: string
}

export const hashOf = (previous: string, text: string): string =>
  createHash('sha256').update(previous).update('\n').update(text).digest('hex')

/** The link of a record after another one. @param text its JSON, as kept */
export const next = ({ seq, hash }: Link, text: string): Link => ({ seq: seq + 1, hash: hashOf(hash, text) })

/** @param use what the checkpoint is for, so that one for the end does not pass as one for the beginning */
export const signedText = (use: 'head' | 'anchor', { seq, hash, timeMs }: Omit<Checkpoint, 'signature'>): string =>
  `arkwatch-audit-${use}\n${seq}\n${hash}\n${timeMs}`

export type Kept = Link & { readonly text: string }

export type Fault = NonNullable<AuditVerdict['problem']>

/** Follows the chain from a link that is known to be right. */
export class ChainCheck {
  checked = 0
  at: Link
  fault: Fault | undefined
  readonly #expected = new Map<number, string>()

  constructor(private readonly from: Link) {
    this.at = from
  }

  /** A signed link that must be met on the way. */
  expect({ seq, hash }: Link): void {
    if (seq > this.at.seq) this.#expected.set(seq, hash)
  }

  /** @returns whether everything is right so far */
  take({ seq, hash, text }: Kept): boolean {
    if (this.fault !== undefined) return false
    const due = this.at.seq + 1
    if (seq !== due)
      return this.#fail(due, seq > due ? `record ${due} is missing` : `record ${seq} is not in its place`)
    let own: unknown
    try {
      own = (JSON.parse(text) as { seq?: unknown }).seq
    } catch {
      return this.#fail(seq, 'the record is not JSON')
    }
    const link = next(this.at, text)
    if (own !== seq) return this.#fail(seq, 'the record says it is another one')
    if (link.hash !== hash) return this.#fail(seq, 'the record, or its hash, was changed')
    const signed = this.#expected.get(seq)
    if (signed !== undefined && signed !== hash) return this.#fail(seq, 'the record is not the one that was signed')
    this.#expected.delete(seq)
    this.at = link
    this.checked += 1
    return true
  }

  #fail(seq: number, what: string): false {
    this.fault = { seq, what }
    return false
  }

  verdict(problem: Fault | undefined): AuditVerdict {
    const { checked } = this
    const first = checked === 0 ? 0 : this.from.seq + 1
    return { ok: problem === undefined, checked, first, last: this.at.seq, ...(problem && { problem }) }
  }

  /** After the last record: everything that was signed must have been there. */
  end(): Fault | undefined {
    const missing = [...this.#expected.keys()].filter((seq) => seq > this.at.seq)
    if (this.fault === undefined && missing.length > 0)
      this.#fail(this.at.seq + 1, `the end is missing: records up to ${Math.max(...missing)} were signed`)
    return this.fault
  }
}
