/** The names under which secrets stand, in objects, in headers, and before `=` or `:` in a text. Pure. */

/** Matched anywhere in a key, without its case and `-`, `_`, `.`. */
const words = [
  ...'password passwd passphrase secret authorization cookie macaroon nsec apikey accesskey adminkey privatekey'.split(
    ' ',
  ),
  ...'privkey signingkey encryptionkey hmackey arkwatchsession mnemonic credential preimage'.split(' '),
]
/** Matched at the end of a key, so that `tokenCount` and `dsnHost` stay readable. */
const endings = 'token tokens dsn pwd jwt xprv tprv seed pin otp bearer'.split(' ')
/** `SMTP_PASS`, `dbPass`, and not `bypass`. */
const lastWord = /(?:^|[-_.\s])(?:pass|Pass|PASS)$|[a-z\d]Pass$/

export const normalizeKey = (key: string) => key.toLowerCase().replace(/[-_.\s]/g, '')

/** @param extra further words that make a key secret @returns whether the value under a key is secret */
export function createKeyRule(extra: readonly string[]): (key: string) => boolean {
  const contained = [...words, ...extra.map(normalizeKey)].filter((word) => word !== '')
  return (key) => {
    const name = normalizeKey(key)
    return (
      contained.some((word) => name.includes(word)) || endings.some((word) => name.endsWith(word)) || lastWord.test(key)
    )
  }
}

/** The rule without further words. */
export const isSecretKey = createKeyRule([])
