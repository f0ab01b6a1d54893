/** The passwords of URLs: in each word what stands between `//user:` and the last `@`. Linear in the length. Pure. */
import { isSecretKey, isSignature } from './secret-keys.ts'
import { replaceSpans, type Span } from './spans.ts'

/** A word from its first `//` on, which JSON may write `\/\/`. A word matches once, which keeps the search linear. */
const address = /\/\\?\/\S+/g
/** Of a word: `//user:`, an `@`, and a quote that ends a text. A quote before anything else belongs to the password. */
const marks = /\/\\?\/(?:(?!["'`][,;)}\]])[^/:])*:|@|["'`](?=[,;)}\]])|\\["'`](?=\\)/g
/** The only `//user:` before the end of a quoted text is `//host:`. */
const port = /^\d{1,5}\\*(?:$|[/?#])/

/** @param take gets every reading of a password until it returns true */
export function findPasswords(text: string, take: (start: number, end: number) => boolean): void {
  if (!text.includes('@')) return
  for (const { 0: word, index: offset } of text.matchAll(address)) {
    if (!word.includes('@')) continue
    let starts: number[] = []
    let end = -1
    const settle = () => {
      starts.find((start) => start < end && take(offset + start, offset + end))
      starts = []
      end = -1
    }
    for (const { 0: mark, index } of word.matchAll(marks)) {
      if (mark.endsWith(':')) {
        if (starts.length > 0 && mark.includes('@')) end = index + mark.lastIndexOf('@')
        starts.push(index + mark.length)
      } else if (mark === '@') end = starts.length > 0 ? index : -1
      else if (end >= 0 || port.test(word.slice(starts.at(-1) ?? index, index))) settle()
    }
    settle()
  }
}

/** The beginning of a URL as `new URL` reads it: with either slash, and for the web without slashes. */
const beginning = /^\s*(?:(?:https?|wss?|ftp):|(?:[a-z][\w+.\t\r\n-]*:)+[\t\r\n]*[/\\][\t\r\n]*[/\\])[/\\\t\r\n]*/i
const hostAndPort = /^[^/?#\\@:]*:(?=\d{1,5}\/)/

/** @param text a URL as a whole, also with blanks @returns its user and password, or what may be one behind a port */
export function userinfoOf(text: string): Span | undefined {
  const start = beginning.exec(text)?.[0].length
  if (start === undefined) return undefined
  const rest = text.slice(start)
  const head = /^[^/?#\\]*/.exec(rest)![0]
  // A password may hold a slash or an `@`; without a password, the path may hold an `@`.
  const end = (head.includes(':') ? rest : head).lastIndexOf('@')
  return end < 0 ? undefined : [start + (hostAndPort.exec(rest)?.[0].length ?? 0), start + end]
}

/**
 * @param mask replaces the password at an offset of the text; undefined: not a password, try the next `//user:`
 * @returns the text with the passwords of its URLs replaced
 */
export function maskPasswords(text: string, mask: (password: string, at: number) => string | undefined): string {
  const spans: Span[] = []
  const masks: string[] = []
  findPasswords(text, (start, end) => {
    const masked = mask(text.slice(start, end), start)
    if (masked === undefined) return false
    masks.push(masked)
    return spans.push([start, end]) > 0
  })
  let index = 0
  return replaceSpans(text, spans, () => masks[index++]!, text.length)
}

/** Whether `8080/x` before an `@` is a port with a path, as on the web. @param text holds it at this offset */
export const isPortWithPath = (password: string, text = 'http://', at = text.length): boolean => {
  if (!/^\d{1,5}\//.test(password)) return false
  const slashes = text.lastIndexOf('/', at)
  return /(?:https?|wss?):\\?\/\\?$/i.test(text.slice(Math.max(0, slashes - 9), slashes))
}

const maxReadings = 16
const parameter = /[?&]([^?&=#\s]+)=([^&#\s]+)/g

/** @returns the secret parameters of a URL and its passwords as written, in every reading of the first 16 */
export function secretsInUrl(url: string): readonly string[] {
  const passwords: string[] = []
  findPasswords(url, (start, end) => passwords.push(url.slice(start, end)) >= maxReadings)
  return [
    ...passwords,
    ...[...url.matchAll(parameter)]
      .filter(([, key]) => isSecretKey(key!) || isSignature(key!))
      .map((match) => match[2]!),
  ]
}
