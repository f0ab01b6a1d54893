/** Keeps secrets out of what is shown of a configuration. Pure. */
export const redacted = '[redacted]'

/** A word from its first `//` on. A word matches once, which keeps the search linear. */
const address = /\/\/\S+/g
const user = /\/\/[^/:]*:/g
const parameter = /([?&](?:password|passwd|pwd|pass|token|secret|api_?key)=)([^&#\s]+)/gi

/**
 * Replaces the passwords of URLs: in each word what stands between `//user:` and the last `@`. Linear in the length.
 * @param mask replaces the password at an offset of the text; undefined: not a password, try the next `//user:`
 */
export function maskPasswords(text: string, mask: (password: string, at: number) => string | undefined): string {
  return text.replace(address, (word, offset: number) => {
    const end = word.lastIndexOf('@')
    if (end < 0) return word
    for (const { 0: before, index } of word.slice(0, end).matchAll(user)) {
      const start = index + before.length
      const masked = mask(word.slice(start, end), offset + start)
      if (masked !== undefined) return word.slice(0, start) + masked + word.slice(end)
    }
    return word
  })
}

/** For a text that is an address or a URL with a password. @returns whether `8080/x@y` is a port with a path */
export const isPortWithPath = (password: string): boolean => /^\d{1,5}\//.test(password)

/** @returns the text, passwords and secret parameters of URLs replaced; both are searched in the original */
export function redactUrls(text: string): string {
  const hidden = [...text.matchAll(parameter)].map(({ 0: whole, 1: name, index }) => [
    index + name!.length,
    index + whole.length,
  ])
  maskPasswords(text, (password, at) => {
    hidden.push([at, at + password.length])
    return redacted
  })
  let shown = ''
  let done = 0
  for (const [start = 0, end = 0] of hidden.sort(([one = 0], [other = 0]) => one - other)) {
    if (shown === '' || start > done) shown += text.slice(done, start) + redacted
    done = Math.max(done, end)
  }
  // Again, since a password that held a `#` or `&` had cut a parameter short.
  return (shown + text.slice(done)).replace(parameter, `$1${redacted}`)
}

const maxReadings = 16

/** @returns the secret parameters of a URL and its passwords as written, in every reading of the first 16 */
export function secretsInUrl(url: string): readonly string[] {
  const passwords: string[] = []
  maskPasswords(url, (password) => (passwords.push(password) < maxReadings ? undefined : ''))
  return [...passwords, ...[...url.matchAll(parameter)].map((match) => match[2]!)]
}

/** A value for a message: one line, passwords of URLs replaced, at most 80 characters of it. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'a map'
  if (typeof value !== 'string') return `${String(value)}${value === null ? ' (empty)' : ` (${typeof value})`}`
  const text = redactUrls(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}
