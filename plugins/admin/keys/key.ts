/** API keys: how they look, and what is kept of them. */
import { createHmac, randomBytes } from 'node:crypto'
import { z } from '../../../core/plugin.ts'
import { type Role, roles } from '../api.ts'

/** What is kept of a key. */
export interface KeyRecord {
  /** No secret; part of the key's text. */
  readonly id: string
  /** Two keys share a name while one takes over from the other. */
  readonly name: string
  readonly role: Role
  readonly scopes: readonly string[]
  readonly createdAtMs: number
  readonly expiresAtMs: number | undefined
  readonly lastUsedAtMs: number | undefined
  /** Where it is from: made by the API, given by the configuration, or read from `admin.key`. */
  readonly source: 'store' | 'config' | 'file'
  /** HMAC-SHA-256 of its text, in hex. */
  readonly digest: string
}

/** What a caller says of a key that is to be made. */
export const newKeyFields = {
  name: z.string().regex(/^[A-Za-z0-9][\w .@-]{0,63}$/, 'expected 1-64 letters, digits, space, . @ _ or -'),
  role: z.enum(roles),
  scopes: z
    .array(z.string().regex(/^[a-z][a-zA-Z-]{0,63}$/))
    .max(50)
    .default([])
    .describe('Groups of operations that the key is narrowed to.'),
}
export const keyDays = z.number().min(0.001).max(3_650).optional().describe('Omitted: the key does not expire.')

/** A key as shown: everything but what could find it out. */
export type KeyInfo = Omit<KeyRecord, 'digest'>

export const infoOf = ({ digest: _, ...info }: KeyRecord): KeyInfo => info

export const minKeyLength = 24

/** Texts of documentation and examples, which are no keys. */
const placeholders = [
  /^(.)\1+$/,
  /your[-_ ]?(secure|secret|admin|api)|change[-_ ]?me|change[-_ ]?this|replace[-_ ]?(me|this|with)|placeholder|example|xxxx/i,
  /^(admin|password|secret|test|default|letmein|12345678|abcdefgh|qwerty)/i,
]

/** Why a text given by people is not a usable key; undefined when the text is one. */
export function weaknessOf(text: string): string | undefined {
  if (text.length < minKeyLength) return `expected at least ${minKeyLength} characters`
  if (!/^[\x21-\x7e]+$/.test(text)) return 'expected printable ASCII without spaces'
  if (placeholders.some((placeholder) => placeholder.test(text)))
    return 'expected a key of your own, this is a placeholder'
  return new Set(text).size < 8 ? 'expected at least 8 different characters' : undefined
}

/** What {@link makeKey} makes. */
export const madeKey = /^ark_[0-9a-f]{12}_[\w-]{43}$/

/** A new key with 256 random bits. @returns its id, and the text that is shown once */
export function makeKey(): { readonly id: string; readonly text: string } {
  const id = randomBytes(6).toString('hex')
  return { id, text: `ark_${id}_${randomBytes(32).toString('base64url')}` }
}

/**
 * A fast keyed hash is enough: the texts hold 256 random bits. @param pepper secret of this installation
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#peppering
 */
export const digestOf = (text: string, pepper: string): string =>
  createHmac('sha256', pepper).update(text).digest('hex')
