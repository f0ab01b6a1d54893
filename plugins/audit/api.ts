/** What other plugins may use of the audit log. */
import { service } from '../../core/plugin.ts'

/** Who made a change. */
export interface AuditPrincipal {
  /** The name of the key, `anonymous`, `control-socket`, or what the runtime acts upon: `SIGHUP`. Never the key. */
  readonly name: string
  readonly role: string
}

/** Something to record. */
export interface AuditEvent {
  readonly principal: AuditPrincipal
  /** `plugins.restart`, `auth.failed`, `config.read`. */
  readonly action: string
  /** The object of the action: a plugin's name, a key's id. */
  readonly target?: string
  readonly method?: string
  /** The path, never the query string. */
  readonly route?: string
  /** The address of the peer. */
  readonly from: string
  readonly requestId: string
}

/** What a change did. Secrets are replaced by an HMAC, the rest is kept as it is. */
export interface AuditChange {
  readonly target?: string
  readonly before?: unknown
  readonly after?: unknown
}

/** A record as it was written. */
export interface AuditRecord extends AuditEvent {
  /** Counts records from 1, without gaps. */
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly time: string
  /** `begun` before a change; then `ok`, `denied`, or the code of the error. */
  readonly outcome: string
  /** The record of the intent that this one is the outcome of. */
  readonly of?: number
  /** What differs between before and after, by JSON pointer. */
  readonly changes?: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[]
  /** The changes were too large to be kept. */
  readonly truncated?: true
}

export interface AuditQuery {
  /** Only records before this one. */
  readonly before?: number
  /** Only records after this one. */
  readonly after?: number
  readonly principal?: string
  readonly action?: string
  /** 1-1,000. */
  readonly limit: number
}

export interface AuditVerdict {
  readonly ok: boolean
  /** Records looked at. */
  readonly checked: number
  /** The first and last of them. */
  readonly first: number
  readonly last: number
  /** What is wrong, at the first place where something is. */
  readonly problem?: { readonly seq: number; readonly what: string }
}

export interface Audit {
  /**
   * Records an intent before the change is carried out.
   * @returns call it with the outcome: `ok`, or the code of the error
   * @throws AUDIT_UNAVAILABLE when the intent cannot be recorded: refuse the change
   */
  begin(event: AuditEvent): Promise<(outcome: string, change?: AuditChange) => Promise<void>>
  /** Records something that has happened. @throws AUDIT_UNAVAILABLE */
  record(event: AuditEvent, outcome: string, change?: AuditChange): Promise<void>
  /** Newest first; oldest first with `after`. */
  page(query: AuditQuery): Promise<readonly AuditRecord[]>
  /** Calls back with each new record, once the record is on the disk. @returns stops the calls */
  follow(listener: (record: AuditRecord) => void): () => void
  /** Checks every record, its place in the chain, and that none is missing at the end. */
  verify(): Promise<AuditVerdict>
  /** The whole log as JSON lines, each with its line end, which `arkwatch audit verify --file` checks. */
  export(): AsyncIterable<string>
  /** What a secret is replaced by, to find out whether a record is about it. */
  hashOf(value: string): string
  /** PEM, to verify with. */
  readonly publicKey: string
}
export const Audit = service<Audit>('audit')
