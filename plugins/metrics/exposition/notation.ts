/** PURE. Labels and numbers as the two formats write them. */

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

const special = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : value < 0 ? '-Inf' : `${value}`

/** A sample value, and a bound in text 0.0.4. */
export const prometheusNumber = (value: number): string => (value - value === 0 ? `${value}` : special(value))

/**
 * A bound in OpenMetrics: always with a point or an exponent, as Go's `%g` with `.0` after whole numbers.
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/ "Considerations: Canonical Numbers"
 */
export function openMetricsFloat(value: number): string {
  if (value - value !== 0) return special(value)
  const size = Math.abs(value)
  // `1e+06`, `1.5e-05`: an exponent of at least two digits.
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential().replace(/[+-](?=\d$)/, '$&0')
  return Number.isInteger(value) ? `${value}.0` : `${value}`
}
