/** Batch observation: copies the values of a source into families after one callback has set all of them. */
import type { BatchObservation, MetricFactory, ObservedFamily, ObservedOptions } from '../api.ts'
import { refusePromise } from '../errors.ts'
import type { CounterFamily } from './counter.ts'
import type { GaugeFamily } from './gauge.ts'
import { type Kind, ObservedSeries } from './observed-family.ts'

type CounterSeries = ReturnType<CounterFamily['labels']>
type GaugeSeries = ReturnType<GaugeFamily['labels']>

export function createBatch(metrics: Pick<MetricFactory, 'counter' | 'gauge'>): BatchObservation {
  const batch = { round: 0 }
  const reads: (() => void)[] = []
  const families: Pick<ObservedSeries<CounterSeries>, 'prepare' | 'commit'>[] = []

  function add<S extends CounterSeries | GaugeSeries>(
    options: ObservedOptions,
    kind: Kind<S>,
    read: (() => number | undefined) | undefined,
  ): ObservedFamily<string> {
    const family = new ObservedSeries<S>(batch, options, kind)
    families.push(family)
    if (read !== undefined) {
      reads.push(() => {
        const value = read()
        refusePromise(value, `the function that reads ${options.name}`)
        family.set(value)
      })
    }
    return { set: (value, labels) => family.set(value, labels) }
  }

  return {
    counter({ tolerance = 0, ...options }: ObservedOptions, read?: () => number | undefined) {
      const kind: Kind<CounterSeries> = {
        type: 'counter',
        register: () => metrics.counter({ hasCreated: false, ...options }) as unknown as CounterFamily,
        write(family, series, observation) {
          const { shown } = observation
          const total = Math.max(0, observation.value)
          if (total < shown && shown - total <= tolerance) return
          observation.shown = total
          if (series !== family.folded) series.reset(total)
          // A total that fell began again at zero.
          else series.inc(total < shown ? total : total - shown)
        },
      }
      return add(options, kind, read) as never
    },
    gauge({ tolerance: _, ...options }: ObservedOptions, read?: () => number | undefined) {
      const kind: Kind<GaugeSeries> = {
        type: 'gauge',
        register: () => metrics.gauge(options) as unknown as GaugeFamily,
        write: (_family, series, { value }) => series.set(value),
      }
      return add(options, kind, read) as never
    },
    observe(callback) {
      batch.round += 1
      for (const read of reads) read()
      refusePromise(callback?.(), 'the callback of observe')
      for (const family of families) family.prepare()
      for (const family of families) family.commit()
    },
  }
}
