/** What other plugins may use of the audit log. */
import { service } from '../../core/token.ts'

/** Who did it. */
export interface AuditPrincipal {
  /** The name of the key, `anonymous`, or `control-socket`. Never the key. */
  readonly name: string
  readonly role: string
}

/** Something to put on record. Secrets in `before` and `after` are replaced by an HMAC; the rest is stored as it is. */
export interface AuditEvent {
  readonly principal: AuditPrincipal
  /** `plugins.restart`, `auth.failed`, `config.read`. */
  readonly action: string
  /** What it was done to: a plugin's name, a key's id. */
  readonly target?: string
  readonly method?: string
  /** The route template, never the query string. */
  readonly route?: string
  /** The address of the peer. */
  readonly from: string
  readonly requestId: string
  readonly before?: unknown
  readonly after?: unknown
}

export interface Audit {
  /**
   * Puts an intent on record, before it is carried out.
   * @returns call it with the outcome: `ok`, `denied`, or the code of the error
   * @throws AUDIT_UNAVAILABLE where it cannot be recorded: the change must then be refused
   */
  begin(event: AuditEvent): Promise<(outcome: string, after?: unknown) => Promise<void>>
  /** Puts something that has happened on record. @throws AUDIT_UNAVAILABLE */
  record(event: AuditEvent, outcome: string): Promise<void>
}
export const Audit = service<Audit>('audit')
