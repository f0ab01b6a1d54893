/**
 * Copies values that others count (the kernel, the runtime) into families. What a round does not set is gone after it:
 * a device that went, a file that could not be read. A family exists only once it had a value, and then begins empty: what
 * a predecessor with another configuration left in it is taken away.
 */
import type { Counter, CounterHandle, Gauge, GaugeHandle, Labels, MetricFactory, MetricOptions } from '../api.ts'

export interface MirrorOptions<Label extends string> extends MetricOptions<Label> {
  /** Other mirrors set series of this family too, so that only one's own are taken away. @default false */
  readonly shared?: boolean
  /** A counter that goes back by at most this much stays where it was; by more, it begins anew. @default 0 */
  readonly tolerance?: number
}

/** One mirrored family. Values that are undefined or not finite count as not set. */
export type Mirrored<Label extends string> = [Label] extends [never]
  ? { set(value: number | undefined): void }
  : { set(value: number | undefined, labels: Labels<Label>): void }

export interface Mirror {
  counter<const Label extends string = never>(options: MirrorOptions<Label>): Mirrored<Label>
  gauge<const Label extends string = never>(options: MirrorOptions<Label>): Mirrored<Label>
  /** Runs `fill`, which sets every value that exists now, then removes the series that were not set. */
  round(fill: () => void): void
}

interface Series<Handle, Label extends string> {
  readonly labels: Labels<Label>
  handle: Handle
  value: number
  round: number
}

interface Kind<Handle, Label extends string> {
  family(): { labels(labels: Labels<Label>): Handle; remove(labels: Partial<Labels<Label>>): void }
  write(series: Series<Handle, Label>, value: number, renew: () => void): void
}

export function createMirror(metrics: MetricFactory): Mirror {
  let round = 0
  const sweeps: (() => void)[] = []

  function mirrored<Handle, Label extends string>(names: readonly Label[], kind: Kind<Handle, Label>): Mirrored<Label> {
    const bySet = new Map<string, Series<Handle, Label>>()
    sweeps.push(() => {
      for (const [key, series] of bySet) {
        if (series.round === round) continue
        kind.family().remove(series.labels)
        bySet.delete(key)
      }
    })
    const set = (value: number | undefined, labels: Labels<Label> = {} as Labels<Label>) => {
      if (value === undefined || !Number.isFinite(value)) return
      const key = names.map((name) => labels[name]).join('\0')
      let series = bySet.get(key)
      if (!series) {
        // What a predecessor counted is in the total that follows.
        kind.family().remove(labels)
        series = { labels, handle: kind.family().labels(labels), value: 0, round }
        bySet.set(key, series)
      }
      series.round = round
      const known = series
      kind.write(known, value, () => {
        kind.family().remove(known.labels)
        known.handle = kind.family().labels(known.labels)
        known.value = 0
      })
    }
    return { set } as Mirrored<Label>
  }

  return {
    counter<const Label extends string>(options: MirrorOptions<Label>) {
      const { tolerance = 0, shared = false, ...rest } = options
      let family: Counter<Label> | undefined
      return mirrored<CounterHandle, Label>(options.labels ?? [], {
        family: () => {
          if (!family) {
            family = metrics.counter<Label>({ ...rest, hasCreated: false })
            if (!shared) family.remove({})
          }
          return family
        },
        write(series, value, renew) {
          if (value < series.value) {
            if (series.value - value <= tolerance) return
            renew()
          }
          const by = Math.max(0, value) - series.value
          series.handle.inc(by)
          series.value += by
        },
      })
    },
    gauge<const Label extends string>(options: MirrorOptions<Label>) {
      const { tolerance: _, shared = false, ...rest } = options
      let family: Gauge<Label> | undefined
      return mirrored<GaugeHandle, Label>(options.labels ?? [], {
        family: () => {
          if (!family) {
            family = metrics.gauge<Label>(rest)
            if (!shared) family.remove({})
          }
          return family
        },
        write: (series, value) => series.handle.set(value),
      })
    },
    round(fill) {
      round += 1
      fill()
      for (const sweep of sweeps) sweep()
    },
  }
}
