/** Keeps secrets out of what is shown of a configuration. Pure. */

export const redacted = '[redacted]'

const password = /([a-z][\w+.-]*:\/\/[^\s:@/]*):\S*@/gi
const parameter = /([?&](?:password|passwd|pwd|pass|token|secret|api_?key)=)[^&#\s]+/gi

/** @returns the text with the passwords of its URLs replaced */
export const redactUrls = (text: string): string =>
  text.replace(password, `$1:${redacted}@`).replace(parameter, `$1${redacted}`)

/** A value for a message: one line, passwords of URLs replaced, at most 80 characters of it. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'a map'
  if (typeof value !== 'string') return `${String(value)}${value === null ? ' (empty)' : ` (${typeof value})`}`
  const text = redactUrls(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}
