/**
 * The rules that find secrets: by the name of the key, at any depth, and by shape, in any string.
 * Compiled once; pure, and imported by the access log's worker too.
 */
import { createHmac } from 'node:crypto'
import { isPortWithPath, maskPasswords } from '../../../core/worker.ts'

export interface RedactOptions {
  /** Words that make a key secret, besides the built-in ones. */
  readonly extraKeys?: readonly string[]
  /** With this key, a secret is shown as its keyed digest: equal secrets have equal digests. */
  readonly hmacKey?: string
}

export interface KeyRule {
  /** Whether the value under this key is secret. */
  readonly secret: boolean
  /** The key with the secrets in it replaced, cut to 256 characters. */
  readonly name: string
}

export interface Redactor {
  /** The rule of a key: whether its value is secret, and the key as it may be shown. Cached. */
  key(key: string): KeyRule
  /** The string with every secret in it replaced, and with no line separator beyond ASCII. */
  text(value: string): string
  /** The replacement of a secret. */
  readonly mask: Mask
}

const redactedText = '[redacted]'

/** Matched anywhere in a key, without its case and `-`, `_`, `.`. */
const keyWords = [
  ...'password passwd passphrase secret authorization cookie macaroon nsec apikey accesskey privatekey'.split(' '),
  ...'privkey signingkey encryptionkey mnemonic credential preimage'.split(' '),
]
/** Matched at the end of a key, so that `tokenCount` and `dsnHost` stay readable. */
const keyEndings = ['token', 'tokens', 'dsn', 'pwd', 'jwt', 'xprv', 'tprv', 'seed', 'pin', 'otp', 'bearer']

/** A cheap first test of a string: without a match no detector can match. */
const suspicious =
  /[=:\u0085\u2028\u2029]|eyJ|[sS][eE][cC]1|02010[34]|AgE|MDA|[xyztuv]prv|[eE][rR]\s|[oO][oO][nN]\s|[sS][iI][cC]\s|PRIVATE KEY/

const lineSeparators = /[\u0085\u2028\u2029]/g
const escaped: Readonly<Record<string, string>> = { '\u0085': '\\u0085', '\u2028': '\\u2028', '\u2029': '\\u2029' }

type Mask = (secret: unknown) => string

/** A shape of secret. Without `replace` the whole match is secret. */
interface Detector {
  readonly pattern: RegExp
  replace?(mask: Mask, match: string, before: string, secret: string): string
}

const afterPrefix: Detector['replace'] = (mask, _match, before, secret) => `${before}${mask(secret)}`

/** Bounded quantifiers throughout: time stays linear in the length of the string. */
const shapes: readonly Detector[] = [
  { pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g },
  { pattern: /(?<![A-Za-z0-9])eyJ[\w-]{8,}(?:\.[\w-]+){1,4}/g },
  { pattern: /(?:nsec1|ncryptsec1)[02-9ac-hj-np-z]{16,}/gi },
  { pattern: /[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{40,}/g },
  // Macaroons, version 2 of lnd, tapd, loop, pool or litd, in hex; of any location, and version 1, in base64.
  { pattern: /0201(?:036c6e64|0474617064|046c6f6f70|04706f6f6c|046c697464)[0-9a-f]{8,}/gi },
  { pattern: /(?:AgE[DL][\w+/-]{12,}|(?<![\w+/])AgE[\w+/-]{41,})={0,2}/g },
  { pattern: /MDA[\w+/-]{2}2xvY2F0aW9u[\w+/-]{16,}={0,2}/g },
  // A URL in a line ends at a quote, too.
  {
    pattern: /[^"']+/g,
    replace: (mask, match) => maskPasswords(match, (text) => (isPortWithPath(text) ? undefined : mask(text))),
  },
  { pattern: /\b((?:bearer|macaroon)\s+)([\w.~+/=-]{6,})/gi, replace: afterPrefix },
  { pattern: /\b([Bb]asic\s+|BASIC\s+)((?=[a-z+/]*[A-Z0-9=])[\w+/]{6,}={0,2})/g, replace: afterPrefix },
  { pattern: /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)([^\s"'][^\r\n"']*)/gi, replace: afterPrefix },
  { pattern: /\b((?:set-)?cookie["']?\s*[:=]\s*["']?)([^\s"'][^\r\n"']*)/gi, replace: afterPrefix },
]

/** `password=x`, `"apiKey": "x"`: secrets in a string beside their key. */
function besideKey(words: readonly string[]): readonly Detector[] {
  const names = alternatives(words)
  const patterns = [
    `((?:${names})\\\\?["']?\\s?=\\s?)("[^"]*"|'[^']*'|[^\\s&,;"')}\\]]+)`,
    `((?:${names})\\\\?["']\\s{0,4}:\\s{0,4}\\\\?["'])([^"'\\\\]+)`,
  ]
  return patterns.map((pattern) => ({ pattern: new RegExp(pattern, 'gi'), replace: afterPrefix }))
}

/** A second test, for the many strings that are suspicious for a colon only. */
const tellingSigns = (words: readonly string[]) =>
  new RegExp(
    `eyJ|sec1|02010[34]|AgE|MDA..2xv|[xyztuv]prv|PRIVATE KEY|[\\u0085\\u2028\\u2029]|//[^\\s/:"']{0,256}:|` +
      `(?:bearer|macaroon|basic)\\s|(?:${alternatives(words)})\\\\?["']?\\s{0,4}[=:]`,
    'i',
  )

const alternatives = (words: readonly string[]) =>
  words.map((word) => [...word].map(escapeRegExp).join('[-_]?')).join('|')
const escapeRegExp = (character: string) => character.replace(/[^a-z0-9]/i, '\\$&')
const normalize = (key: string) => key.toLowerCase().replace(/[-_.\s]/g, '')
const maxCachedKeys = 4_096
const maxKeyLength = 256

/** @returns the compiled rules; calls cost nanoseconds per key */
export function createRedactor({ extraKeys = [], hmacKey }: RedactOptions = {}): Redactor {
  const contained = [...keyWords, ...extraKeys.map(normalize)].filter((word) => word !== '')
  const textual = besideKey([...contained, 'token', 'pwd', 'dsn'])
  const known = new Map<string, KeyRule>()
  const mask: Mask =
    hmacKey === undefined
      ? () => redactedText
      : (secret) => {
          const text = typeof secret === 'string' ? secret : String(JSON.stringify(secret))
          return `[hmac:${createHmac('sha256', hmacKey).update(text).digest('hex').slice(0, 16)}]`
        }
  const judge = (key: string) => {
    const name = normalize(key)
    return contained.some((word) => name.includes(word)) || keyEndings.some((word) => name.endsWith(word))
  }
  const telling = tellingSigns([...contained, 'token', 'pwd', 'dsn'])
  const clean = (text: string, { pattern, replace }: Detector) =>
    text.replace(pattern, (match, before, secret) => (replace ? replace(mask, match, before, secret) : mask(match)))
  const text = (value: string) => {
    if (!suspicious.test(value) || !telling.test(value)) return value
    const shaped = shapes.reduce(clean, value)
    const result = /[=:]/.test(shaped) ? textual.reduce(clean, shaped) : shaped
    return result.replace(lineSeparators, (character) => escaped[character]!)
  }
  return {
    mask,
    text,
    key(key) {
      const seen = known.get(key)
      if (seen !== undefined) return seen
      const rule = { secret: judge(key), name: text(key.slice(0, maxKeyLength)) }
      if (known.size >= maxCachedKeys) known.clear()
      if (key.length <= maxKeyLength) known.set(key, rule)
      return rule
    },
  }
}
