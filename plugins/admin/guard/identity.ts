/** Identifies the caller of a request, by a key in a header or by the cookie of a browser session. */
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Principal } from '../api.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Session, Sessions } from './sessions.ts'

/** The caller of a request, and how the caller was identified. */
export interface Visitor {
  readonly principal: Principal
  /** The session of the cookie, where a cookie identified the caller. */
  readonly session?: Session
  readonly cookie?: string
}

export const sessionCookie = 'arkwatch_session'
export const secureSessionCookie = '__Host-arkwatch_session'

const bearer = (header: string | undefined) => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]

export interface IdentityOptions {
  keyring(): Keyring
  readonly sessions: Sessions
}

export class Identity {
  constructor(private readonly options: IdentityOptions) {}

  /** The keys that a request sends: all must be right, so that a second one cannot be tried along with a valid one. */
  #sent(context: Context): { readonly keys: readonly string[]; readonly cookie: string | undefined } {
    const authorization = context.req.header('authorization')
    const named = context.req.header('x-admin-key')
    const keys = [
      ...(authorization === undefined ? [] : [bearer(authorization) ?? '']),
      ...(named === undefined ? [] : [named]),
    ]
    return { keys, cookie: getCookie(context, secureSessionCookie) ?? getCookie(context, sessionCookie) }
  }

  identify(context: Context): Visitor | undefined {
    const { sessions } = this.options
    const keyring = this.options.keyring()
    const { keys, cookie } = this.#sent(context)
    if (keys.length > 0) {
      const found = keys.map((key) => keyring.verify(key))
      const [principal] = found
      return principal !== undefined && found.every((each) => each?.keyId === principal.keyId)
        ? { principal }
        : undefined
    }
    if (cookie === undefined) return undefined
    const session = sessions.use(cookie)
    if (session === undefined || !keyring.isValid(session.principal.keyId)) return undefined
    return { principal: session.principal, session, cookie }
  }

  /** Whether a request carries keys. A cookie claims nothing: browsers send the cookie of an ended session, too. */
  claims(context: Context): boolean {
    return this.#sent(context).keys.length > 0
  }

  /** Whether a caller is still let in; event streams check this again and again. */
  isStillIn({ principal, cookie }: Visitor): boolean {
    const { keyring, sessions } = this.options
    return keyring().isValid(principal.keyId) && (cookie === undefined || sessions.has(cookie))
  }

  /** Ends the session of a request, which a new session replaces. */
  endSession(context: Context): void {
    const { cookie } = this.#sent(context)
    if (cookie !== undefined) this.options.sessions.close(cookie)
  }
}
