/** The audit log: what other plugins call, over journal, chain and signer. */
import { guarded } from '../../../core/plugin.ts'
import type { StoreArea } from '../../store/api.ts'
import type { Audit, AuditChange, AuditEvent, AuditQuery, AuditRecord, AuditVerdict } from '../api.ts'
import { ChainCheck, type Checkpoint, type Kept, type Link, origin } from '../chain/chain.ts'
import type { HeadFile } from '../chain/head-file.ts'
import { isSigned, type Signer } from '../chain/signer.ts'
import { auditError } from '../errors.ts'
import { differences, scrub } from './changes.ts'
import { anchorOf, type Draft, type Journal } from './journal.ts'

interface AuditLogOptions {
  readonly journal: Journal
  /** The journal in force after a replacement; undefined without one. */
  successor(): Journal | undefined
  readonly head: HeadFile
  /** @throws AUDIT_UNAVAILABLE before the start */
  signer(): Signer
  area(): StoreArea | undefined
  now(): number
  /** Receives what a follower throws. */
  followerFailed(error: unknown): void
}

type Row = Link & { readonly record: string }

const pageSize = 1_000
const columns = 'seq, hash, record'
const text = (value: string | undefined, limit: number) => value?.slice(0, limit)

export class AuditLog implements Audit {
  readonly #followers = new Set<(record: AuditRecord) => void>()

  constructor(private readonly options: AuditLogOptions) {}

  get publicKey(): string {
    return this.options.signer().publicKey
  }

  hashOf(value: string): string {
    return this.options.signer().hide(value)
  }

  follow(listener: (record: AuditRecord) => void): () => void {
    this.#followers.add(listener)
    return () => void this.#followers.delete(listener)
  }

  /** Calls the followers back. @param lines records that are on the disk */
  notify(lines: readonly string[]): void {
    if (this.#followers.size === 0) return
    for (const line of lines) {
      const record = JSON.parse(line) as AuditRecord
      for (const follower of this.#followers) guarded(() => follower(record), this.options.followerFailed)
    }
  }

  #draft(event: AuditEvent, outcome: string, change: AuditChange = {}, of?: number): Draft {
    const signer = this.options.signer()
    const hide = (value: unknown) => scrub(value, signer.hide)
    const changes = differences(hide(change.before), hide(change.after))
    const target = text(change.target ?? event.target, 200)
    return {
      principal: { name: text(event.principal.name, 200)!, role: event.principal.role },
      action: text(event.action, 100)!,
      ...(target !== undefined && { target: hide(target) as string }),
      ...(event.method !== undefined && { method: text(event.method, 10)! }),
      ...(event.route !== undefined && { route: hide(text(event.route, 300)) as string }),
      from: text(event.from, 100)!,
      requestId: text(event.requestId, 128)!,
      outcome: text(outcome, 100)!,
      ...(of !== undefined && { of }),
      ...(changes.length > 0 && { changes }),
    }
  }

  async begin(event: AuditEvent): Promise<(outcome: string, change?: AuditChange) => Promise<void>> {
    const seq = await this.options.journal.append(this.#draft(event, 'begun'))
    return async (outcome, change) => {
      const journal = this.options.successor() ?? this.options.journal
      await journal.append(this.#draft(event, outcome, change, seq))
    }
  }

  async record(event: AuditEvent, outcome: string, change?: AuditChange): Promise<void> {
    await this.options.journal.append(this.#draft(event, outcome, change))
  }

  #area(): StoreArea {
    const area = this.options.area()
    if (area === undefined) throw auditError('AUDIT_UNAVAILABLE', { reason: 'the store is not open' })
    return area
  }

  async page({ before, after, principal, action, limit }: AuditQuery): Promise<readonly AuditRecord[]> {
    const where = ['seq < ?', 'seq > ?']
    const params: (string | number)[] = [before ?? Number.MAX_SAFE_INTEGER, after ?? 0]
    for (const [path, value] of Object.entries({ '$.principal.name': principal, '$.action': action })) {
      if (value === undefined) continue
      where.push(`json_extract(record, '${path}') = ?`)
      params.push(value)
    }
    const order = after === undefined ? 'DESC' : 'ASC'
    const sql = `SELECT ${columns} FROM audit_records WHERE ${where.join(' AND ')} ORDER BY seq ${order}`
    const rows = await this.#area().query<Row>(sql, params, Math.min(limit, pageSize))
    return rows.map(({ record }) => JSON.parse(record) as AuditRecord)
  }

  /** @returns what was signed as the end and is not in the database any more */
  async lost(): Promise<Checkpoint | undefined> {
    const signed = this.options.head.read()
    if (signed === undefined || signed.seq <= (this.anchor()?.seq ?? 0)) return undefined
    const row = this.#area().get<{ hash: string }>('SELECT hash FROM audit_records WHERE seq = ?', [signed.seq])
    return row?.hash === signed.hash ? undefined : signed
  }

  /** The signed link before the first record that is kept. */
  anchor(): Checkpoint | undefined {
    return anchorOf(this.#area())
  }

  async *#records(upTo: number): AsyncGenerator<readonly Kept[]> {
    let at = 0
    for (;;) {
      const sql = `SELECT ${columns} FROM audit_records WHERE seq > ? AND seq <= ? ORDER BY seq`
      const rows = await this.#area().query<Row>(sql, [at, upTo], pageSize)
      if (rows.length === 0) return
      at = rows.at(-1)!.seq
      yield rows.map(({ seq, hash, record }) => ({ seq, hash, text: record }))
    }
  }

  async verify(): Promise<AuditVerdict> {
    const { journal, head } = this.options
    await journal.flush()
    await head.flush()
    const anchor = this.anchor()
    const check = new ChainCheck(anchor ?? origin)
    if (anchor !== undefined && !isSigned('anchor', anchor, this.publicKey))
      return check.verdict({ seq: anchor.seq, what: 'what the log begins with is not signed by this key' })
    const signed = head.read()
    if (signed !== undefined) {
      if (!isSigned('head', signed, this.publicKey))
        return check.verdict({ seq: signed.seq, what: 'the signed end of the log is not signed by this key' })
      check.expect(signed)
    }
    for (const lost of await head.aside()) check.expect(lost)
    for await (const page of this.#records(Number.MAX_SAFE_INTEGER)) {
      for (const kept of page) if (!check.take(kept)) return check.verdict(check.fault)
    }
    if (signed === undefined && check.checked > 0)
      return check.verdict({ seq: check.at.seq, what: 'the signed end of the log is missing' })
    return check.verdict(check.end())
  }

  async *export(): AsyncGenerator<string> {
    const { journal, signer, now } = this.options
    const { publicKey } = this
    await journal.flush()
    const last = journal.head
    const anchor = this.anchor()
    const lines = (value: unknown) => `${JSON.stringify(value)}\n`
    yield lines({ kind: 'arkwatch-audit', version: 1, publicKey, ...(anchor && { anchor }) })
    for await (const page of this.#records(last.seq)) {
      yield page.map(({ hash, text: record }) => `{"kind":"record","hash":"${hash}","record":${record}}\n`).join('')
    }
    yield lines({ kind: 'end', ...signer().sign('head', last, now()) })
  }

  /** Forgets old records; a signed link takes their place, so that the rest stays verifiable. @returns how many went */
  async prune(beforeMs: number, most = 2_000): Promise<number> {
    const sql = `SELECT ${columns} FROM audit_records WHERE time_ms < ? ORDER BY seq`
    const rows = await this.#area().query<Row>(sql, [beforeMs], Math.min(most, pageSize))
    const last = rows.at(-1)
    if (last === undefined) return 0
    const anchor = this.options.signer().sign('anchor', last, this.options.now())
    const [, removed] = await this.#area().write([
      { sql: 'INSERT OR REPLACE INTO audit_anchor (id, checkpoint) VALUES (1, ?)', params: [JSON.stringify(anchor)] },
      { sql: 'DELETE FROM audit_records WHERE seq <= ?', params: [last.seq] },
    ])
    return removed?.changes ?? 0
  }
}
