/** The names under which secrets stand, in objects, in headers, and before `=` or `:` in a text. Pure. */

/** Matched anywhere in a key, without its case and `-`, `_`, `.`. */
const words = [
  ...'password passwd passphrase secret authorization cookie macaroon nsec apikey accesskey adminkey privatekey'.split(
    ' ',
  ),
  ...'privkey signingkey encryptionkey hmackey arkwatchsession mnemonic credential preimage passcode'.split(' '),
]
/** Matched at the end of a key, so that `tokenCount` and `dsnHost` stay readable. */
const endings = (
  'token dsn pwd jwt xprv tprv seed pin otp bearer csrf xsrf sessionid sessid ' +
  'accountkey authkey licensekey masterkey sharedkey subscriptionkey'
).split(' ')
/** `SMTP_PASS`, `dbPass`, and not `bypass` or `oauth`. */
const lastWord = /(?:^|[-_.\s])(?:[Pp]ass|PASS|[Pp]w|PW|[Aa]uth|AUTH)$|[a-z\d](?:Pass|Pw|Auth)$/

/** A `[` or `]` may be written as in a form: `user%5Btoken%5D`. */
export const normalizeKey = (key: string) => key.toLowerCase().replace(/%5[bd]|[-_.\s]/g, '')

/** `count`: a text is secret and a number is not, as for `max_tokens`. */
export type KeyKind = 'open' | 'secret' | 'count'

/** @param extra further words that make a key secret @returns the kind of a key */
export function createKeyRule(extra: readonly string[]): (key: string) => KeyKind {
  const contained = [...words, ...extra.map(normalizeKey)].filter((word) => word !== '')
  return (key) => {
    const name = normalizeKey(key)
    if (contained.some((word) => name.includes(word))) return 'secret'
    if (name.endsWith('tokens')) return 'count'
    return endings.some((word) => name.endsWith(word)) || lastWord.test(key) ? 'secret' : 'open'
  }
}

/** The rule without further words. */
export const keyKind = createKeyRule([])

export const isSecretKey = (key: string): boolean => keyKind(key) !== 'open'

/** @returns for the key `value` of `{ name: 'DB_PASSWORD', value: 'x' }` that name, else the key */
export function nameOfValue(key: string, map: object): string {
  if (key !== 'value' && key !== 'Value') return key
  try {
    const { name, key: named, Name = name ?? named, Key = Name } = map as Readonly<Record<string, unknown>>
    return typeof Key === 'string' ? Key : key
  } catch {
    return key
  }
}

/** Parameters of signed URLs, with which anybody may use them. Elsewhere a signature is public. */
export const isSignature = (parameter: string): boolean => /^(?:sig|signature|x-\w{1,32}-signature)$/i.test(parameter)
