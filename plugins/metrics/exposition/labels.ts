/** PURE. Labels as both formats write them. */

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' }
const awkward = /[\\\n"]/

/** @param which the characters to escape, a global expression */
export const escaped = (text: string, which: RegExp): string => text.replace(which, (found) => escapes[found]!)

/** A label value between its quotes, in either format; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
export const escapeLabel = (value: string): string => {
  const whole = value.isWellFormed() ? value : value.toWellFormed()
  return awkward.test(whole) ? escaped(whole, /[\\\n"]/g) : whole
}

/** @param pairs names with values @returns `{a="b"}`, or nothing for none */
export const labelText = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`
