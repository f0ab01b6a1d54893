/** Quoted texts within a text, as JSON, JavaScript, Python, SQL and connection strings write them. Pure. */

const backslash = 92
const closers = /[\s,;&)}\]>\\]|\/>|\.(?:\s|$)|["'`](?:[\s,;&)}\]>\\]|$)|$/y

export const isQuote = (code: number) => code === 34 || code === 39 || code === 96

/** @returns how many backslashes stand before an offset */
export function backslashesBefore(text: string, at: number): number {
  let start = at
  while (text.charCodeAt(start - 1) === backslash) start -= 1
  return at - start
}

/** Whether a text may end before this offset: a bracket, a comma, a blank or nothing follows. */
export function isBoundary(text: string, at: number): boolean {
  closers.lastIndex = at
  return closers.test(text)
}

/**
 * JSON in JSON has a backslash before the quote that opens, and more before a quote in the text.
 * @param at the quote that opens @param loosely also the `'` of `'it's'` closes
 * @returns the offset of the quote that closes; -1: none does
 */
export function closingQuote(text: string, at: number, loosely = false): number {
  const quote = text[at]!
  const opening = backslashesBefore(text, at)
  for (let index = text.indexOf(quote, at + 1); index >= 0; index = text.indexOf(quote, index + 1)) {
    const before = Math.min(backslashesBefore(text, index), index - at - 1)
    if (before >= opening && before % (2 * opening + 2) !== opening) continue
    if (text[index + 1] === quote && opening === 0) index += 1
    else if (loosely || isBoundary(text, index + 1)) return index
  }
  return -1
}
