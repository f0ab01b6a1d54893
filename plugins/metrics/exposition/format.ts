/** The two text formats: how a family and its samples are written. */
import type { MetricType } from '../api.ts'
import { openMetricsFamily, unitOf } from '../naming.ts'
import type { SampleShape, SeriesBase, SeriesText } from '../storage/family.ts'
import type { AnyFamily } from '../storage/store.ts'
import { prometheusNumber } from './numbers.ts'

export type Format = 'prometheus' | 'openmetrics'
export type CommonLabels = Readonly<Record<string, string>>

/** Text 0.0.4 and OpenMetrics 1.0. */
export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' }

/** A label value between its quotes, in either format; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
export const escapeLabel = (value: string): string =>
  value.toWellFormed().replace(/[\\\n"]/g, (found) => escapes[found]!)

const escapeHelp = (help: string, format: Format): string =>
  help.toWellFormed().replace(format === 'openmetrics' ? /[\\\n"]/g : /[\\\n]/g, (found) => escapes[found]!)

/** The lines above the samples of a family. */
export function header(name: string, type: MetricType, help: string, format: Format): string {
  if (format === 'prometheus') return `# HELP ${name} ${escapeHelp(help, format)}\n# TYPE ${name} ${type}\n`
  const family = openMetricsFamily(name, type)
  const unit = unitOf(family)
  const unitLine = unit === undefined ? '' : `# UNIT ${family} ${unit}\n`
  return `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${escapeHelp(help, format)}\n`
}

/** @param pairs names with values @returns `{a="b"}`, or nothing for none */
export const labelText = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`

/** The labels of a series without `le` and `quantile`. Those of the family hide common ones. */
function pairsOf(family: AnyFamily, series: SeriesBase, common: CommonLabels): [string, string][] {
  const own = family.labelNames.map((name, index): [string, string] => [name, series.values[index]!])
  return [...Object.entries(common).filter(([name]) => !family.labelNames.includes(name)), ...own]
}

function makeText(family: AnyFamily, series: SeriesBase, common: CommonLabels): SeriesText {
  const pairs = pairsOf(family, series, common)
  const plain = labelText(pairs)
  const open = pairs.length === 0 ? '{' : `${plain.slice(0, -1)},`
  const line = ({ suffix, label }: SampleShape, format: Format) =>
    `${family.name}${suffix}${label === undefined ? plain : `${open}${label.name}="${label[format]}"}`} `
  const prometheus = family.samples.map((sample) => line(sample, 'prometheus'))
  const differs = family.samples.some(({ label }) => label !== undefined && label.prometheus !== label.openmetrics)
  return { prometheus, openmetrics: differs ? family.samples.map((sample) => line(sample, 'openmetrics')) : prometheus }
}

/** Forgets what was made with other common labels. */
export function forgetText(families: Iterable<AnyFamily>): void {
  for (const family of families) {
    for (const series of family.all as Set<SeriesBase>) {
      series.text = undefined
      series.visited = undefined
    }
  }
}

/** How many samples of a series are written: OpenMetrics forbids sum and count beside negative bounds. */
export const sampleCount = (family: AnyFamily, format: Format): number =>
  format === 'openmetrics' && family.type === 'histogram' && family.bounds[0]! < 0
    ? family.samples.length - 2
    : family.samples.length

/** The lines of one series. @param numbers what `read` gave @param count how many of them */
export function seriesLines(
  family: AnyFamily,
  series: SeriesBase,
  common: CommonLabels,
  format: Format,
  numbers: Float64Array,
  count: number,
): string {
  series.text ??= makeText(family, series, common)
  const heads = series.text[format]
  let lines = ''
  for (let index = 0; index < count; index += 1) {
    lines += `${heads[index]! + prometheusNumber(numbers[index]!)}\n`
  }
  return lines
}

/** The labels of each sample of a series, as visitors get them: made once, the same objects each time. */
export function visitorLabels(
  family: AnyFamily,
  series: SeriesBase,
  common: CommonLabels,
): readonly Readonly<Record<string, string>>[] {
  if (series.visited !== undefined) return series.visited
  const plain = Object.freeze(Object.fromEntries(pairsOf(family, series, common)))
  series.visited = family.samples.map(({ label }) =>
    label === undefined ? plain : Object.freeze({ ...plain, [label.name]: label.prometheus }),
  )
  return series.visited
}
