/** The rules that find secrets: by the name of a key, and in any text by key or by shape. Compiled once; pure. */
import { createHmac } from 'node:crypto'
import { findFields } from './secret-fields.ts'
import { createKeyRule, type KeyKind, nameOfValue } from './secret-keys.ts'
import { findShapes } from './secret-shapes.ts'
import { replaceSpans, type Span } from './spans.ts'
import { findPasswords, isPortWithPath, userinfoOf } from './url-passwords.ts'

/** What stands for a secret. */
export const redacted = '[redacted]'

export interface RedactOptions {
  /** Words that make a key secret, besides the built-in ones. */
  readonly extraKeys?: readonly string[]
  /** With this key, a secret is shown as its keyed digest: equal secrets have equal digests. */
  readonly hmacKey?: string
  /**
   * For values of a configuration: hides user and password of a text that is a URL as a whole, also with blanks, and
   * `80/x` of `http://h:80/x@y`, which is a password more likely than a path.
   */
  readonly strict?: boolean
}

export interface KeyRule {
  /** Whether the value under this key is secret. */
  readonly secret: boolean
  /** Whether a number under this key is a count, and not secret. */
  readonly counts: boolean
  /** The key with the secrets in it replaced, cut to 256 characters. */
  readonly name: string
}

export interface Redactor {
  /**
   * The rule of a key: whether its value is secret, and the key as it may be shown. Cached.
   * @param map where the key stands: with it, `x` of `{ name: 'password', value: 'x' }` is secret
   */
  key(key: string, map?: object): KeyRule
  /**
   * The text with every secret in it replaced, and with no line separator beyond ASCII.
   * @param length only this much of the text is shown; what follows serves to recognise a secret across the cut
   * @param hide gives what stands for a secret, in place of the mask
   */
  text(text: string, length?: number, hide?: (secret: string) => string): string
  /** The replacement of a secret. */
  mask(secret: unknown): string
}

/** Without one of these a text has neither a key nor a URL with a password. */
const separators = /[=:\u0085\u2028\u2029]/
const lineSeparators = /[\u0085\u2028\u2029]/g
const escaped: Readonly<Record<string, string>> = { '\u0085': '\\u0085', '\u2028': '\\u2028', '\u2029': '\\u2029' }

const maxCachedKeys = 4_096
const maxKeyLength = 256
/** Read beyond a cut, so that a secret across the cut is still recognised. */
const overlap = 2_048
/** Characters of a text that are shown. */
export const maxText = 16_384

/** @returns the first characters of a text without secrets, in time that the length of the rest does not change */
export const shortText = (redactor: Pick<Redactor, 'text'>, text: string, length = maxText): string =>
  text.length <= length ? redactor.text(text) : redactor.text(text.slice(0, length + overlap), length)

/** @returns the compiled rules; calls cost nanoseconds per key */
export function createRedactor({ extraKeys = [], hmacKey, strict = false }: RedactOptions = {}): Redactor {
  const kindOf = createKeyRule(extraKeys)
  const known = new Map<string, KeyRule>()
  const mask: Redactor['mask'] =
    hmacKey === undefined
      ? () => redacted
      : (secret) => {
          const text = typeof secret === 'string' ? secret : String(JSON.stringify(secret))
          return `[hmac:${createHmac('sha256', hmacKey).update(text).digest('hex').slice(0, 16)}]`
        }

  const text: Redactor['text'] = (value, length = value.length, hide = mask) => {
    const isSeparated = separators.test(value)
    const found: Span[] = []
    findShapes(value, found)
    if (isSeparated) {
      findFields(value, keyKind, found)
      const userinfo = strict ? userinfoOf(value) : undefined
      if (userinfo !== undefined) found.push(userinfo)
      findPasswords(length < value.length ? `${value}@` : value, (start, end) => {
        if (!strict && isPortWithPath(value.slice(start, end), value, start)) return false
        return found.push([start, end]) > 0
      })
    }
    const shown = found.length === 0 ? value.slice(0, length) : replaceSpans(value, found, hide, length)
    return isSeparated ? shown.replace(lineSeparators, (character) => escaped[character]!) : shown
  }

  const rule = (key: string) => {
    const seen = known.get(key)
    if (seen !== undefined) return seen
    const kind = kindOf(key.slice(0, maxKeyLength + overlap))
    const made = { secret: kind !== 'open', counts: kind === 'count', name: shortText({ text }, key, maxKeyLength) }
    if (known.size >= maxCachedKeys) known.clear()
    if (key.length <= maxKeyLength) known.set(key, made)
    return made
  }
  const keyKind = (key: string): KeyKind => {
    const { secret, counts } = rule(key)
    return counts ? 'count' : secret ? 'secret' : 'open'
  }
  const keyIn: Redactor['key'] = (key, map) => {
    const named = map === undefined ? key : nameOfValue(key, map)
    return named === key ? rule(key) : { ...rule(named), name: rule(key).name }
  }
  return { mask, text, key: keyIn }
}

const lenient = createRedactor()

/** @returns the message of a foreign error without secrets, cut to 16 KiB */
export const redactMessage = (message: string): string => shortText(lenient, message)

/** @returns a name that a plugin made, without secrets, cut to 256 characters; for names seen before a look-up */
export const redactName = (name: string): string => lenient.key(name).name

const strict = createRedactor({ strict: true })

/** @returns a value of a configuration without secrets */
export const redactText = (text: string): string => strict.text(text)

/** A value for a message: one line, without secrets, at most 80 characters of it. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'a map'
  if (typeof value !== 'string') return `${String(value)}${value === null ? ' (empty)' : ` (${typeof value})`}`
  const text = redactText(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}
