/** Browser sessions: a cookie in place of a key, for the console. In memory; a restart ends them. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../api.ts'

export interface SessionLimits {
  /** Milliseconds without a request after which a session ends. */
  readonly idleMs: number
  /** Milliseconds after which a session ends in any case. */
  readonly absoluteMs: number
  readonly max: number
}

export interface Session {
  readonly principal: Principal
  /** What a change must carry, since the cookie comes by itself. */
  readonly csrf: string
  readonly startedAtMs: number
  readonly usedAtMs: number
}

export const maxPerKey = 10

const hash = (token: string) => createHash('sha256').update(token).digest('base64url')
const token = () => randomBytes(32).toString('base64url')

export class Sessions {
  /** By the hash of the token, in order of last use. */
  readonly #open = new Map<string, Session>()

  constructor(
    /** Those of the moment. */
    public limits: () => SessionLimits,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.#open.size
  }

  #isOver({ startedAtMs, usedAtMs }: Session): boolean {
    const { idleMs, absoluteMs } = this.limits()
    return this.now() >= startedAtMs + absoluteMs || this.now() >= usedAtMs + idleMs
  }

  /** Opens a session; where there are too many the one used longest ago ends. @returns the value of the cookie */
  open(principal: Principal): { readonly token: string; readonly session: Session } {
    for (const [key, session] of this.#open) if (this.#isOver(session)) this.#open.delete(key)
    // A key that logs in again and again ends its own sessions, not those of others.
    const own = [...this.#open].filter(([, session]) => session.principal.keyId === principal.keyId)
    for (const [key] of own.slice(0, Math.max(0, own.length - maxPerKey + 1))) this.#open.delete(key)
    for (const key of this.#open.keys()) {
      if (this.#open.size < this.limits().max) break
      this.#open.delete(key)
    }
    const value = token()
    const nowMs = this.now()
    const session = { principal, csrf: token(), startedAtMs: nowMs, usedAtMs: nowMs }
    this.#open.set(hash(value), session)
    return { token: value, session }
  }

  /** @returns the session of a cookie, used now; undefined if it is over */
  use(value: string): Session | undefined {
    const key = hash(value)
    const session = this.#open.get(key)
    if (session === undefined) return undefined
    this.#open.delete(key)
    if (this.#isOver(session)) return undefined
    const used = { ...session, usedAtMs: this.now() }
    this.#open.set(key, used)
    return used
  }

  /** Whether the session of a cookie is still open. Does not count as a use. */
  has(value: string): boolean {
    const session = this.#open.get(hash(value))
    return session !== undefined && !this.#isOver(session)
  }

  close(value: string): void {
    this.#open.delete(hash(value))
  }

  closeOf(keyId: string): void {
    for (const [key, { principal }] of this.#open) if (principal.keyId === keyId) this.#open.delete(key)
  }
}

/** Whether a change within a session carries its token. */
export function hasCsrf({ csrf }: Pick<Session, 'csrf'>, sent: string | undefined): boolean {
  if (sent === undefined || sent.length !== csrf.length) return false
  return timingSafeEqual(Buffer.from(sent), Buffer.from(csrf))
}
