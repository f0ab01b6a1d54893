/** Writes all samples as text, or shows them to a visitor, in blocks of a few milliseconds. */
import type { SeriesVisitor } from '../api.ts'
import { refusePromise } from '../errors.ts'
import { openMetricsFamily } from '../naming.ts'
import type { ForeignFamily } from '../prom-registry.ts'
import type { AnyFamily } from '../storage/factory.ts'
import type { SeriesBase, StoredFamily } from '../storage/family.ts'
import { type CommonLabels, type Format, header, sampleCount, seriesLines, visitorLabels } from './format.ts'
import { labelText, openMetricsFloat, prometheusNumber } from './notation.ts'
import type { Pace } from './pace.ts'

/** Everything that is exposed at one moment. */
export interface ExposedSource {
  /** Ours. */
  families(): Iterable<AnyFamily>
  readonly foreign: readonly ForeignFamily[]
  readonly common: CommonLabels
  /** Whether OpenMetrics says since when series count. */
  readonly created: boolean
}

/** After how many series the pace is checked. */
const seriesPerLook = 16
/** The length of a piece of text in characters: long pieces take long to encode. */
const pieceCharacters = 16_384

const read = (family: AnyFamily, series: SeriesBase, out: Float64Array): void =>
  (family as unknown as StoredFamily<SeriesBase>).read(series, out)

/** Writes the exposition. @param emit receives the text in pieces; its time counts as work */
export async function writeText(
  { families, foreign, common, created }: ExposedSource,
  format: Format,
  pace: Pace,
  emit: (text: string) => void,
): Promise<void> {
  let text = ''
  let looked = 0
  const give = async () => {
    if (text.length >= pieceCharacters) {
      emit(text)
      text = ''
    }
    if (pace.due()) await pace.rest()
  }
  for (const family of families()) {
    if (family.all.size === 0) continue
    text += header(family.name, family.type, family.help, format)
    const numbers = new Float64Array(family.samples.length)
    const count = sampleCount(family, format)
    for (const series of family.all as Set<SeriesBase>) {
      read(family, series, numbers)
      text += seriesLines(family, series, common, format, numbers, count, created)
      looked += 1
      if (text.length >= pieceCharacters || (looked % seriesPerLook === 0 && pace.due())) await give()
    }
  }
  for (const family of foreign) {
    if (family.samples.length === 0) continue
    text += header(family.name, family.type, family.help, format)
    for (const sample of family.samples) {
      const name = foreignName(family, sample.name, format)
      const labels = Object.entries({ ...common, ...sample.labels }).map(([label, value]) => {
        const isBound = label === 'le' || label === 'quantile'
        return [label, isBound ? foreignBound(value, format) : value] as const
      })
      const exemplar = format === 'openmetrics' ? (sample.exemplar ?? '') : ''
      text += `${name}${labelText(labels)} ${prometheusNumber(sample.value)}${exemplar}\n`
      looked += 1
      if (text.length >= pieceCharacters || (looked % seriesPerLook === 0 && pace.due())) await give()
    }
  }
  emit(format === 'openmetrics' ? `${text}# EOF\n` : text)
}

/** OpenMetrics wants `_total` on the samples of a counter, whatever the counter is called. */
const foreignName = ({ name, type }: ForeignFamily, sample: string, format: Format): string =>
  format === 'openmetrics' && type === 'counter' ? `${openMetricsFamily(name, type)}_total` : sample

const foreignBound = (value: string, format: Format): string => {
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
  return format === 'openmetrics' ? openMetricsFloat(number) : prometheusNumber(number)
}

const visitor = 'the function given to visit'

/** Shows every sample to a visitor, with the names and bounds of text 0.0.4. */
export async function visitAll(
  { families, foreign, common }: ExposedSource,
  pace: Pace,
  visit: SeriesVisitor,
): Promise<void> {
  let looked = 0
  for (const family of families()) {
    const numbers = new Float64Array(family.samples.length)
    const names = family.samples.map(({ suffix }) => family.name + suffix)
    for (const series of family.all as Set<SeriesBase>) {
      read(family, series, numbers)
      const labels = visitorLabels(family, series, common)
      for (let index = 0; index < names.length; index += 1) {
        refusePromise(visit(family, names[index]!, labels[index]!, numbers[index]!), visitor)
      }
      looked += 1
      if (looked % seriesPerLook === 0 && pace.due()) await pace.rest()
    }
  }
  for (const family of foreign) {
    for (const { name, labels, value } of family.samples) {
      refusePromise(visit(family, name, { ...common, ...labels }, value), visitor)
    }
    if (pace.due()) await pace.rest()
  }
}
