/** A metric store that shows its samples by `name{label="value"}`. */
import type { MetricFactory } from '../../../plugins/metrics/api.ts'
import type { SeriesBase, StoredFamily } from '../../../plugins/metrics/storage/family.ts'
import { MetricStore } from '../../../plugins/metrics/storage/store.ts'
import { testClock } from '../../../testing/test-clock.ts'

export interface Recorder extends MetricFactory {
  readonly samples: ReadonlyMap<string, number>
  /** Families that were registered, in order. */
  readonly families: readonly StoredFamily<SeriesBase>[]
  value(series: string): number | undefined
}

export function recorder(): Recorder {
  const store = new MetricStore(testClock())
  const families = () => [...store.families()].slice(1) as unknown as StoredFamily<SeriesBase>[]
  const samples = () => {
    const found = new Map<string, number>()
    for (const family of families()) {
      const numbers = new Float64Array(family.samples.length)
      for (const series of family.all) {
        const pairs = family.labelNames.map((label, index) => `${label}="${series.values[index]}"`)
        family.read(series, numbers)
        for (const [index, { suffix, label }] of family.samples.entries()) {
          const all = label === undefined ? pairs : [...pairs, `${label.name}="${label.prometheus}"`]
          found.set(`${family.name}${suffix}${all.length === 0 ? '' : `{${all.join(',')}}`}`, numbers[index]!)
        }
      }
    }
    return found
  }
  return {
    get samples() {
      return samples()
    },
    get families() {
      return families()
    },
    value: (series) => samples().get(series),
    counter: (options) => store.counter(options),
    gauge: (options) => store.gauge(options),
    histogram: (options) => store.histogram(options),
    summary: (options) => store.summary(options),
    batch: () => store.batch(),
  }
}
