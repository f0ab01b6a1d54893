/** Batch observation: copies the values of a source into families after one callback has set all of them. */
import type { BatchObservation, Labels, MetricFactory, ObservedFamily, ObservedOptions } from '../api.ts'
import type { CounterFamily } from './counter.ts'
import type { SeriesBase, StoredFamily } from './family.ts'
import type { GaugeFamily } from './gauge.ts'

type CounterSeries = ReturnType<CounterFamily['labels']>
type GaugeSeries = ReturnType<GaugeFamily['labels']>

/** One label set that the callback set. */
interface Observation<S> {
  readonly labels: Labels<string>
  value: number
  /** The round that set the value last. */
  round: number
  series: S | undefined
  /** The total that the series was last given. */
  shown: number
}

const keyOf = (values: readonly string[]): string => values.join('\0')

export function createBatch(metrics: Pick<MetricFactory, 'counter' | 'gauge'>): BatchObservation {
  let round = 0
  const reads: (() => void)[] = []
  const commits: (() => void)[] = []

  function observed<S extends SeriesBase & { readonly isRemoved: boolean }>(
    { labels: names = [], shared = false }: ObservedOptions,
    read: (() => number | undefined) | undefined,
    register: () => StoredFamily<S>,
    write: (family: StoredFamily<S>, series: S, observation: Observation<S>) => void,
  ): ObservedFamily<string> {
    const observations = new Map<string, Observation<S>>()
    let family: StoredFamily<S> | undefined
    const commit = () => {
      for (const [key, { labels, round: setIn }] of observations) {
        if (setIn === round) continue
        observations.delete(key)
        family?.remove(labels)
      }
      if (observations.size === 0) return
      if (family === undefined) {
        family = register()
        // An earlier batch left series that this source does not have.
        if (!shared) family.removeAllBut((values) => observations.has(keyOf(values)))
      }
      for (const observation of observations.values()) {
        if (observation.series?.isRemoved !== false) {
          observation.series = family.labels(observation.labels)
          observation.shown = 0
        }
        write(family, observation.series, observation)
      }
    }
    const set = (value: number | undefined, labels: Labels<string> = {}) => {
      if (value === undefined || !Number.isFinite(value)) return
      const key = keyOf(names.map((name) => labels[name]!))
      const known = observations.get(key)
      if (known === undefined) observations.set(key, { labels, value, round, series: undefined, shown: 0 })
      else {
        known.value = value
        known.round = round
      }
    }
    commits.push(commit)
    if (read !== undefined) reads.push(() => set(read()))
    return { set } as ObservedFamily<string>
  }

  return {
    counter({ tolerance = 0, ...options }: ObservedOptions, read?: () => number | undefined) {
      const register = () => metrics.counter({ hasCreated: false, ...options }) as unknown as CounterFamily
      return observed<CounterSeries>(options, read, register, (family, series, observation) => {
        const { shown } = observation
        const total = Math.max(0, observation.value)
        if (total < shown && shown - total <= tolerance) return
        observation.shown = total
        if (series === family.folded) series.inc(Math.max(0, total - shown))
        else series.reset(total)
      }) as never
    },
    gauge({ tolerance: _, ...options }: ObservedOptions, read?: () => number | undefined) {
      const register = () => metrics.gauge(options) as unknown as GaugeFamily
      const write = (_family: unknown, series: GaugeSeries, { value }: { value: number }) => series.set(value)
      return observed<GaugeSeries>(options, read, register, write) as never
    },
    observe(observe) {
      round += 1
      for (const read of reads) read()
      observe?.()
      for (const commit of commits) commit()
    },
  }
}
