/** PURE. Removes credentials from the messages of a check. */
import { createRedactor, isPortWithPath, maskPasswords, redacted, secretsInUrl } from '../../../core/plugin.ts'

const maxLength = 300
const maxRead = 16_384
const redactor = createRedactor()

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @returns the password of a URL as written, decoded and encoded, and its secret parameters; empty if there is none */
export function secretsOf(url: string): readonly string[] {
  const whole = secretsInUrl(url)
  // A password may hold a slash, a path may hold an `@`, and so may a user: every reading counts.
  const short = whole.map((text) => /^[^/?#]*(?=@)/.exec(`${text}@`)?.[0])
  const colon = url.indexOf(':', url.indexOf('//'))
  const long = url.includes('//') && colon >= 0 ? url.slice(colon + 1, Math.max(0, url.lastIndexOf('@'))) : ''
  return [...new Set([...whole, ...short, long])]
    .filter((text) => text !== undefined && text !== '')
    .flatMap((text) => [text!, decoded(text!), encodeURIComponent(text!)])
}

/** @returns makes a message one line of at most 300 characters, secrets and credentials in URLs as `[redacted]` */
export function scrubber(secrets: readonly string[]): (message: string) => string {
  const longestFirst = [...new Set(secrets)].filter((text) => text !== '').sort((a, b) => b.length - a.length)
  return (message) => {
    let line = message
    for (const secret of longestFirst) line = line.replaceAll(secret, redacted)
    // Passwords first: a user that ends at the first `@` may be the beginning of one.
    line = maskPasswords(line, (text, at) => (isPortWithPath(text, line, at) ? undefined : redacted))
      .replace(/\/\/[^/\s@]*@/g, `//${redacted}@`)
      .slice(0, maxRead)
    line = redactor
      .text(line, Math.min(line.length, maxRead / 2))
      .replace(/\s+/g, ' ')
      .trim()
    return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line
  }
}
