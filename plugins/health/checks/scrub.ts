/** PURE. Keeps credentials out of what a check says. */

const maxLength = 300

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @returns the password of a URL as written, decoded and encoded, and of its `password` parameters; empty if there is none */
export function secretsOf(url: string): readonly string[] {
  const found = [
    /\/\/[^/?#]*?:([^/?#]*)@/.exec(url)?.[1],
    /\/\/[^:]*:(.*)@/.exec(url)?.[1],
    ...[...url.matchAll(/[?&](?:password|pass|pwd|token|secret|api_?key)=([^&#]*)/gi)].map((match) => match[1]),
  ]
  return found
    .filter((text) => text !== undefined && text !== '')
    .flatMap((text) => [text!, decoded(text!), encodeURIComponent(text!)])
}

/**
 * Makes the function through which every message of a check goes.
 *
 * @param secrets texts that must never be shown
 * @returns one line of at most 300 characters, secrets and credentials in URLs as `[redacted]`
 */
export function scrubber(secrets: readonly string[]): (message: string) => string {
  const longestFirst = [...new Set(secrets)].filter((text) => text !== '').sort((a, b) => b.length - a.length)
  return (message) => {
    let line = message
    for (const secret of longestFirst) line = line.replaceAll(secret, '[redacted]')
    line = line
      .replace(/\/\/[^/\s@]*@/g, '//[redacted]@')
      .replace(/\s+/g, ' ')
      .trim()
    return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line
  }
}
