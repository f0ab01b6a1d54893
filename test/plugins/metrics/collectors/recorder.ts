/** A MetricFactory that keeps the samples as text, `name{label="value"}` → number, and refuses what a registry refuses. */
import type { Labels, MetricFactory, MetricOptions } from '../../../../plugins/metrics/api.ts'

export interface Recorder extends MetricFactory {
  readonly samples: Map<string, number>
  /** Families that were registered, in order. */
  readonly families: readonly { readonly name: string; readonly type: string; readonly help: string }[]
  value(series: string): number | undefined
}

export function recorder(): Recorder {
  const samples = new Map<string, number>()
  const families: { name: string; type: string; help: string }[] = []
  const keyOf = (name: string, labels: Readonly<Record<string, string>>) => {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
  }
  function family(type: string, { name, help, labels: names = [] }: MetricOptions) {
    families.push({ name, type, help })
    const add = (labels: Labels<string>, by: number) => {
      const key = keyOf(name, labels)
      samples.set(key, (samples.get(key) ?? 0) + by)
    }
    const labels = (given: Labels<string>) => {
      if (Object.keys(given).sort().join() !== [...names].sort().join()) throw new Error(`${name}: wrong labels`)
      add(given, 0)
      return {
        inc: (by = 1) => {
          if (!(by >= 0)) throw new Error(`${name}: negative increment ${by}`)
          add(given, by)
        },
        set: (value: number) => void samples.set(keyOf(name, given), value),
        add: (by: number) => add(given, by),
        observe: () => {},
      }
    }
    const remove = (some: Partial<Labels<string>>) => {
      const wanted = Object.entries(some).map(([label, value]) => `${label}="${value}"`)
      for (const key of samples.keys()) {
        const own = key === name || key.startsWith(`${name}{`)
        if (own && wanted.every((pair) => key.includes(pair))) samples.delete(key)
      }
    }
    return { name, labels, remove, inc: () => {}, set: () => {}, observe: () => {} } as never
  }
  return {
    samples,
    families,
    value: (series) => samples.get(series),
    counter: (options) => family('counter', options),
    gauge: (options) => family('gauge', options),
    histogram: (options) => family('histogram', options),
    summary: (options) => family('summary', options),
  }
}
