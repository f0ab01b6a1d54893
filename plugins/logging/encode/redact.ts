/**
 * What counts as a secret: by the name of its key, at any depth, and by its shape, in any string.
 * Compiled once; pure, and imported by the access log's worker too.
 */
import { createHmac } from 'node:crypto'
import { isPortWithPath, maskPasswords } from '../../../core/worker.ts'

export interface RedactOptions {
  /** Words that make a key secret, besides the built-in ones. */
  readonly extraKeys?: readonly string[]
  /** With a key, a secret becomes a keyed digest of itself: equal secrets stay recognisable as equal. */
  readonly hmacKey?: string
}

export interface KeyRule {
  /** Whether the value under this key is secret. */
  readonly secret: boolean
  /** The key with the secrets in it replaced, cut to 256 characters. */
  readonly name: string
}

export interface Redactor {
  /** What a key says of its value, and the key itself as it may be shown. Remembered from call to call. */
  key(key: string): KeyRule
  /** The string with every secret in it replaced, and with no line separator beyond ASCII. */
  text(value: string): string
  /** What stands in place of a secret. */
  mask(secret: unknown): string
}

export const redactedText = '[redacted]'

/** Matched anywhere in a key after its case and `-`, `_`, `.` are gone. */
const keyWords = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'authorization',
  'cookie',
  'macaroon',
  'nsec',
  'apikey',
  'accesskey',
  'privatekey',
  'privkey',
  'signingkey',
  'encryptionkey',
  'mnemonic',
  'credential',
  'preimage',
]
/** Matched at the end of a key, so that `tokenCount` and `dsnHost` stay readable. */
const keyEndings = ['token', 'tokens', 'dsn', 'pwd', 'jwt', 'xprv', 'tprv', 'seed', 'pin', 'otp', 'bearer']

/** One cheap look at a string: without any of these there is nothing for the detectors. */
const suspicious =
  /[=:\u0085\u2028\u2029]|eyJ|[sS][eE][cC]1|02010[34]|AgE|MDA|[xyztuv]prv|[eE][rR]\s|[oO][oO][nN]\s|[sS][iI][cC]\s|PRIVATE KEY/

const lineSeparators = /[\u0085\u2028\u2029]/g
const escaped: Readonly<Record<string, string>> = { '\u0085': '\\u0085', '\u2028': '\\u2028', '\u2029': '\\u2029' }

/** A shape of secret. `keep` groups surround the secret and stay. */
interface Detector {
  readonly pattern: RegExp
  replace(mask: Redactor['mask'], match: string, before: string, secret: string): string
}

const whole: Detector['replace'] = (mask, match) => mask(match)
const afterPrefix: Detector['replace'] = (mask, _match, before, secret) => `${before}${mask(secret)}`

/** Bounded quantifiers throughout: time stays linear in the length of the string. */
const shapes: readonly Detector[] = [
  {
    pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    replace: whole,
  },
  { pattern: /(?<![A-Za-z0-9])eyJ[\w-]{8,}(?:\.[\w-]+){1,4}/g, replace: whole },
  { pattern: /(?:nsec1|ncryptsec1)[02-9ac-hj-np-z]{16,}/gi, replace: whole },
  { pattern: /[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{40,}/g, replace: whole },
  // Macaroons, version 2 with the location lnd, tapd, loop, pool or litd, in hex; with any location, and version 1, in base64.
  { pattern: /0201(?:036c6e64|0474617064|046c6f6f70|04706f6f6c|046c697464)[0-9a-f]{8,}/gi, replace: whole },
  { pattern: /(?:AgE[DL][\w+/-]{12,}|(?<![\w+/])AgE[\w+/-]{41,})={0,2}/g, replace: whole },
  { pattern: /MDA[\w+/-]{2}2xvY2F0aW9u[\w+/-]{16,}={0,2}/g, replace: whole },
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

/** `password=x`, `"apiKey": "x"`: secrets that stand in a string beside their key. */
function besideKey(words: readonly string[]): readonly Detector[] {
  const names = alternatives(words)
  return [
    {
      pattern: new RegExp(`((?:${names})\\\\?["']?\\s?=\\s?)("[^"]*"|'[^']*'|[^\\s&,;"')}\\]]+)`, 'gi'),
      replace: afterPrefix,
    },
    {
      pattern: new RegExp(`((?:${names})\\\\?["']\\s{0,4}:\\s{0,4}\\\\?["'])([^"'\\\\]+)`, 'gi'),
      replace: afterPrefix,
    },
  ]
}

/** A closer look, for the many strings that are suspicious for a colon only. */
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

/** @param options what else is secret, and how it is shown @returns the compiled rules; calls cost nanoseconds per key */
export function createRedactor({ extraKeys = [], hmacKey }: RedactOptions = {}): Redactor {
  const contained = [...keyWords, ...extraKeys.map(normalize)].filter((word) => word !== '')
  const textual = besideKey([...contained, 'token', 'pwd', 'dsn'])
  const known = new Map<string, KeyRule>()
  const mask: Redactor['mask'] =
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
  const text = (value: string) => {
    if (!suspicious.test(value) || !telling.test(value)) return value
    let result = value
    for (const { pattern, replace } of shapes) {
      result = result.replace(pattern, (match, before, secret) => replace(mask, match, before, secret))
    }
    if (/[=:]/.test(result)) {
      for (const { pattern, replace } of textual) {
        result = result.replace(pattern, (match, before, secret) => replace(mask, match, before, secret))
      }
    }
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
