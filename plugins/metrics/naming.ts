/** Rules for metric names: the verdicts of `promtool check metrics`, and what the two formats need beyond those. */
import type { MetricType } from './api.ts'
import { metricsError } from './errors.ts'

/** Other units by the base unit that promtool wants. @see promlint in github.com/prometheus/client_golang */
const otherUnits: Readonly<Record<string, readonly string[]>> = {
  amperes: [],
  bytes: ['bits'],
  celsius: ['fahrenheit', 'rankine'],
  grams: ['pounds', 'ounces'],
  joules: ['calories'],
  kelvin: ['kelvins'],
  meters: ['inches', 'yards', 'miles'],
  metres: [],
  seconds: ['minutes', 'hours', 'days', 'weeks'],
  volts: [],
}
const baseUnits = new Map(
  Object.entries(otherUnits).flatMap(([base, others]) => [base, ...others].map((unit) => [unit, base])),
)
/** promtool spells mebi `mibi`. */
const prefix = /^(?:pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mibi|giga|gibi|tera|tebi|peta|pebi)/
const abbreviated = new Set(['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'tb', 'pb', 'm', 'h', 'd'])
const types = new Set(['counter', 'gauge', 'summary', 'histogram'])
const camelCase = /[a-z][A-Z]/

/** Units that OpenMetrics may declare, of those that names end in. */
const declaredUnits = new Set([...Object.keys(otherUnits), 'ratio'])

const baseUnitOf = (word: string): string | undefined => baseUnits.get(word) ?? baseUnits.get(word.replace(prefix, ''))

/** Gauges of the seed that end in `_total` and are kept, because dashboards and rules of its users name them. */
const exempt: ReadonlySet<string> = new Set(['arkrelay_active_sessions_total', 'arkrelay_queued_jobs_total'])

/** The problems that promtool reports. @param name a name of the right characters */
export function lintMetric(name: string, type: MetricType, labels: readonly string[] = []): string[] {
  const units = name.split('_').flatMap((word) => {
    const base = baseUnitOf(word)
    return base === undefined || base === word ? [] : [`use base unit "${base}" instead of "${word}"`]
  })
  // promtool looks at whole words, but for types and abbreviations not at the first one
  const words = new Set(name.toLowerCase().split('_').slice(1))
  const total = name.endsWith('_total')
  const distribution = type === 'histogram' || type === 'summary'
  const rules: readonly (readonly [broken: boolean, problem: string])[] = [
    [type === 'counter' && !total, 'counter metrics should have "_total" suffix'],
    [type !== 'counter' && total, 'non-counter metrics should not have "_total" suffix'],
    [type !== 'histogram' && name.endsWith('_bucket'), 'non-histogram metrics should not have "_bucket" suffix'],
    ...['_count', '_sum'].map((suffix) => {
      const problem = `non-histogram and non-summary metrics should not have "${suffix}" suffix`
      return [!distribution && name.endsWith(suffix), problem] as const
    }),
    [type !== 'histogram' && labels.includes('le'), 'non-histogram metrics should not have "le" label'],
    [type !== 'summary' && labels.includes('quantile'), 'non-summary metrics should not have "quantile" label'],
    ...[...words].map((word) => [types.has(word), `metric name should not include type '${word}'`] as const),
    [[...words].some((word) => abbreviated.has(word)), 'metric names should not contain abbreviated units'],
    [/_gauge_histogram(_|$)/i.test(name), "metric name should not include type 'gauge_histogram'"],
    [name.includes(':'), "metric names should not contain ':'"],
    [camelCase.test(name), "metric names should be written in 'snake_case' not 'camelCase'"],
    [labels.some((label) => camelCase.test(label)), "label names should be written in 'snake_case' not 'camelCase'"],
  ]
  return [...units, ...rules.filter(([broken]) => broken).map(([, problem]) => problem)]
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

/** @throws METRICS_NAME_INVALID */
export function checkNames(metric: string, type: MetricType, help: string, labels: readonly string[]): void {
  const problems = registrationProblems(metric, type, help, labels)
  if (problems.length > 0) throw metricsError('METRICS_NAME_INVALID', { metric, problems: problems.join('; ') })
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
    return [...new Set([name, family, `${family}_total`, `${family}_created`])]
  }
  if (type === 'gauge') return [name]
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count', '_created'] : ['_sum', '_count', '_created']
  return [name, ...suffixes.map((suffix) => name + suffix)]
}
