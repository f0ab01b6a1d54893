/** The text of a family and its samples in both formats. */
import type { MetricType } from '../api.ts'
import { openMetricsFamily, unitOf } from '../naming.ts'
import type { AnyFamily } from '../storage/factory.ts'
import type { SampleShape, SeriesBase, SeriesText } from '../storage/family.ts'
import { escaped, escapeLabel, prometheusNumber } from './notation.ts'

export type Format = 'prometheus' | 'openmetrics'
export type CommonLabels = Readonly<Record<string, string>>

/** Text 0.0.4 and OpenMetrics 1.0. */
export const contentTypes: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const escapeHelp = (help: string, format: Format): string =>
  escaped(help.toWellFormed(), format === 'openmetrics' ? /[\\\n"]/g : /[\\\n]/g)

/** The lines above the samples of a family. */
export function header(name: string, type: MetricType, help: string, format: Format): string {
  if (format === 'prometheus') return `# HELP ${name} ${escapeHelp(help, format)}\n# TYPE ${name} ${type}\n`
  const family = openMetricsFamily(name, type)
  const unit = unitOf(family)
  const unitLine = unit === undefined ? '' : `# UNIT ${family} ${unit}\n`
  return `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${escapeHelp(help, format)}\n`
}

/** The labels of a series without `le` and `quantile`. Those of the family hide common ones. */
function pairsOf(family: AnyFamily, series: SeriesBase, common: CommonLabels): [string, string][] {
  const own = family.labelNames.map((name, index): [string, string] => [name, series.values[index]!])
  return [...Object.entries(common).filter(([name]) => !family.labelNames.includes(name)), ...own]
}

function makeText(family: AnyFamily, series: SeriesBase, common: CommonLabels): SeriesText {
  const pairs = pairsOf(family, series, common)
  const inner = pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')
  const plain = inner === '' ? '' : `{${inner}}`
  const open = inner === '' ? '{' : `{${inner},`
  const line = ({ suffix, label }: SampleShape, format: Format) =>
    `${family.name}${suffix}${label === undefined ? plain : `${open}${label.name}="${label[format]}"}`} `
  const prometheus = family.samples.map((sample) => line(sample, 'prometheus'))
  const differs = family.samples.some(({ label }) => label !== undefined && label.prometheus !== label.openmetrics)
  return {
    common,
    prometheus,
    openmetrics: differs ? family.samples.map((sample) => line(sample, 'openmetrics')) : prometheus,
    created: family.hasCreated
      ? `${openMetricsFamily(family.name, family.type)}_created${plain} ${(series.createdMs / 1_000).toFixed(3)}\n`
      : '',
  }
}

/** How many samples of a series are written: OpenMetrics forbids sum and count beside negative bounds. */
export const sampleCount = (family: AnyFamily, format: Format): number =>
  format === 'openmetrics' && family.type === 'histogram' && family.bounds[0]! < 0
    ? family.samples.length - 2
    : family.samples.length

/**
 * The lines of one series.
 * @param numbers the samples that `read` wrote @param count how many to write
 * @param created whether OpenMetrics says since when the series counts
 */
export function seriesLines(
  family: AnyFamily,
  series: SeriesBase,
  common: CommonLabels,
  format: Format,
  numbers: Float64Array,
  count: number,
  created: boolean,
): string {
  // A scrape may still write with the common labels from before a reload.
  const text = series.text?.common === common ? series.text : makeText(family, series, common)
  series.text = text
  const heads = text[format]
  const exemplars = format === 'openmetrics' ? series.exemplars : undefined
  let lines = ''
  for (let index = 0; index < count; index += 1) {
    lines += `${heads[index]! + prometheusNumber(numbers[index]!)}${exemplars?.[index] ?? ''}\n`
  }
  return created && format === 'openmetrics' ? lines + text.created : lines
}

/** The labels of each sample of a series, as visitors receive them: made once, the same objects each time. */
export function visitorLabels(
  family: AnyFamily,
  series: SeriesBase,
  common: CommonLabels,
): readonly Readonly<Record<string, string>>[] {
  if (series.visited?.common === common) return series.visited.labels
  const plain = Object.freeze(Object.fromEntries(pairsOf(family, series, common)))
  const labels = family.samples.map(({ label }) =>
    label === undefined ? plain : Object.freeze({ ...plain, [label.name]: label.prometheus }),
  )
  series.visited = { common, labels }
  return labels
}
