/** Rules for metric names: the verdicts of `promtool check metrics`, and what the two formats need beyond those. */
import type { MetricType } from './api.ts'

/** Each unit that promtool knows, with its base unit. @see promlint in github.com/prometheus/client_golang */
const baseUnits: Readonly<Record<string, string>> = {
  amperes: 'amperes',
  bytes: 'bytes',
  celsius: 'celsius',
  grams: 'grams',
  joules: 'joules',
  kelvin: 'kelvin',
  meters: 'meters',
  metres: 'metres',
  seconds: 'seconds',
  volts: 'volts',
  minutes: 'seconds',
  hours: 'seconds',
  days: 'seconds',
  weeks: 'seconds',
  kelvins: 'kelvin',
  fahrenheit: 'celsius',
  rankine: 'celsius',
  inches: 'meters',
  yards: 'meters',
  miles: 'meters',
  bits: 'bytes',
  calories: 'joules',
  pounds: 'grams',
  ounces: 'grams',
}
/** promtool spells mebi `mibi`. */
const prefix = /^(?:pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mibi|giga|gibi|tera|tebi|peta|pebi)/
const abbreviated = new Set(['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'tb', 'pb', 'm', 'h', 'd'])
const types = new Set(['counter', 'gauge', 'summary', 'histogram'])
const camelCase = /[a-z][A-Z]/

/** Units that OpenMetrics may declare, of those that names end in. */
const declaredUnits = new Set([
  ...['amperes', 'bytes', 'celsius', 'grams', 'joules', 'kelvin', 'meters', 'metres', 'ratio', 'seconds', 'volts'],
])

const baseUnitOf = (word: string): string | undefined => {
  if (Object.hasOwn(baseUnits, word)) return baseUnits[word]
  const rest = word.replace(prefix, '')
  return Object.hasOwn(baseUnits, rest) ? baseUnits[rest] : undefined
}

/**
 * Names of the seed that break a rule and are kept, because dashboards and rules of its users name them.
 * Both are gauges that end in `_total`.
 */
const exempt: ReadonlySet<string> = new Set(['arkrelay_active_sessions_total', 'arkrelay_queued_jobs_total'])

/**
 * What promtool would say.
 *
 * @param name a name of the right characters
 * @returns its problems, empty if there are none
 */
export function lintMetric(name: string, type: MetricType, labels: readonly string[] = []): string[] {
  const problems: string[] = []
  const words = name.split('_')
  // promtool looks at whole words, but for types and abbreviations not at the first one
  const lower = name.toLowerCase().split('_').slice(1)
  for (const word of words) {
    const base = baseUnitOf(word)
    if (base !== undefined && base !== word) problems.push(`use base unit "${base}" instead of "${word}"`)
  }
  const total = name.endsWith('_total')
  if (type === 'counter' && !total) problems.push('counter metrics should have "_total" suffix')
  if (type !== 'counter' && total) problems.push('non-counter metrics should not have "_total" suffix')
  const distribution = type === 'histogram' || type === 'summary'
  if (type !== 'histogram' && name.endsWith('_bucket')) {
    problems.push('non-histogram metrics should not have "_bucket" suffix')
  }
  for (const suffix of ['_count', '_sum']) {
    if (!distribution && name.endsWith(suffix)) {
      problems.push(`non-histogram and non-summary metrics should not have "${suffix}" suffix`)
    }
  }
  if (type !== 'histogram' && labels.includes('le')) {
    problems.push('non-histogram metrics should not have "le" label')
  }
  if (type !== 'summary' && labels.includes('quantile')) {
    problems.push('non-summary metrics should not have "quantile" label')
  }
  for (const word of new Set(lower)) {
    if (types.has(word)) problems.push(`metric name should not include type '${word}'`)
    if (abbreviated.has(word)) problems.push('metric names should not contain abbreviated units')
  }
  if (/_gauge_histogram(_|$)/i.test(name)) problems.push("metric name should not include type 'gauge_histogram'")
  if (name.includes(':')) problems.push("metric names should not contain ':'")
  if (camelCase.test(name)) problems.push("metric names should be written in 'snake_case' not 'camelCase'")
  if (labels.some((label) => camelCase.test(label))) {
    problems.push("label names should be written in 'snake_case' not 'camelCase'")
  }
  return problems
}

/** @returns every reason against the registration, empty if the metric may be registered */
export function registrationProblems(
  name: string,
  type: MetricType,
  help: string,
  labels: readonly string[] = [],
): string[] {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) return [`${JSON.stringify(name)} is not a metric name`]
  const problems = exempt.has(name) ? [] : lintMetric(name, type, labels)
  if (help.trim() === '') problems.push('no help text')
  if (type === 'histogram' && /_(bucket|count|sum|created)$/.test(name)) {
    problems.push('histograms make the suffixes "_bucket", "_count", "_sum" and "_created" themselves')
  }
  if (type === 'summary' && /_(count|sum|created)$/.test(name)) {
    problems.push('summaries make the suffixes "_count", "_sum" and "_created" themselves')
  }
  for (const label of labels) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) problems.push(`${JSON.stringify(label)} is not a label name`)
    else if (label.startsWith('__')) problems.push(`label names that begin with "__" are reserved, got "${label}"`)
    else if (label === 'le' || label === 'quantile') problems.push(`the label "${label}" is reserved`)
  }
  if (new Set(labels).size !== labels.length) problems.push('a label is named twice')
  return problems
}

/** The name of the family in OpenMetrics, where `_total` belongs to the sample. */
export const openMetricsFamily = (name: string, type: MetricType): string =>
  type === 'counter' ? name.replace(/_total$/, '') : name

/** The unit at the end of a name, if OpenMetrics may declare that unit. @param family the name without `_total` */
export function unitOf(family: string): string | undefined {
  const unit = family.slice(family.lastIndexOf('_') + 1)
  return declaredUnits.has(unit) && unit !== family ? unit : undefined
}

/** The sample and family names that a metric takes up in either format. */
export function namesTaken(name: string, type: MetricType): string[] {
  if (type === 'counter') {
    const family = openMetricsFamily(name, type)
    return [...new Set([name, family, `${family}_created`])]
  }
  if (type === 'gauge') return [name]
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count', '_created'] : ['_sum', '_count', '_created']
  return [name, ...suffixes.map((suffix) => name + suffix)]
}
