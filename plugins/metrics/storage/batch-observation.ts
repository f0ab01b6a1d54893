/** Batch observation: copies the values of a source into families after one callback has set all of them. */
import type { BatchObservation, Labels, MetricFactory, ObservedFamily, ObservedOptions } from '../api.ts'
import { metricsError, refusePromise } from '../errors.ts'
import { checkNames } from '../naming.ts'
import { continueSource, noteSource } from './counted-sources.ts'
import { hasCount, labelsRefused, labelValue, type SeriesBase, type StoredFamily, valueRefused } from './family.ts'
import type { CounterFamily, GaugeFamily } from './number-families.ts'

/** Label sets of a counter that left the overflow series and may return, whose totals are kept. */
export const maxKeptTotals = 1_000

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

interface Kind<S extends SeriesBase> {
  readonly type: 'counter' | 'gauge'
  register(): StoredFamily<S>
  write(family: StoredFamily<S>, series: S, observation: Observation<S>): void
}

/**
 * Each value after its length, so that no character of a value makes two label sets one.
 * @returns undefined for a name without a value, and for another name
 */
function keyOf(names: readonly string[], labels: Labels<string>): string | undefined {
  if (!hasCount(labels, names.length)) return undefined
  let key = ''
  for (const name of names) {
    const given: unknown = labels[name]
    if (given === undefined || given === null) return undefined
    const value = labelValue(given)
    key += `${value.length}:${value}`
  }
  return key
}

/** @returns undefined for what is not a number; NaN for no value */
function numberOf(given: unknown): number | undefined {
  if (typeof given === 'number') return given
  if (given === undefined) return Number.NaN
  const number = typeof given === 'bigint' ? Number(given) : undefined
  return Number.isSafeInteger(number) ? number : undefined
}

interface Batch {
  readonly round: number
  readonly isObserving: boolean
  isReleased(): boolean
}

/** The batches that have label sets in a family. */
const observers = new WeakMap<object, Set<ObservedSeries<never>>>()

/** One family of a batch: the label sets that the source has, and the series that each of them is shown by. */
class ObservedSeries<S extends SeriesBase & { readonly isRemoved: boolean }> implements ObservedFamily<string> {
  readonly #observations = new Map<string, Observation<S>>()
  readonly #names: readonly string[]
  #family: StoredFamily<S> | undefined

  /** @throws METRICS_NAME_INVALID */
  constructor(
    private readonly batch: Batch,
    private readonly options: ObservedOptions,
    private readonly kind: Kind<S>,
  ) {
    const { name, help, labels = [] } = options
    checkNames(name, kind.type, help, labels)
    this.#names = [...labels]
  }

  /** @throws METRICS_NOT_OBSERVING, METRICS_VALUE_INVALID, METRICS_LABELS_INVALID */
  set(given: number | bigint | undefined, labels: Labels<string> = {}): void {
    const { name: metric } = this.options
    if (!this.batch.isObserving) throw metricsError('METRICS_NOT_OBSERVING', { metric })
    const value = numberOf(given)
    if (value === undefined || (this.kind.type === 'counter' && value < 0 && value !== Number.NEGATIVE_INFINITY))
      throw valueRefused(metric, this.kind.type, given)
    if (!Number.isFinite(value)) return
    const key = keyOf(this.#names, labels)
    if (key === undefined) throw labelsRefused(metric, this.#names, labels)
    const known = this.#observations.get(key)
    const { round } = this.batch
    if (known !== undefined) {
      known.value = value
      known.round = round
      return
    }
    // The caller may use one object for many label sets.
    const kept = Object.fromEntries(this.#names.map((name) => [name, labelValue(labels[name])]))
    this.#observations.set(key, { labels: kept, value, round, series: undefined, shown: 0 })
  }

  /** Registers the family with its first value. @throws METRICS_NAME_TAKEN, METRICS_NAME_COLLIDES, METRICS_TOO_MANY */
  prepare(): void {
    if (this.#family !== undefined || !this.#observations.values().some((each) => this.#isSet(each))) return
    this.#family = this.kind.register()
    const known = observers.get(this.#family) ?? new Set()
    observers.set(this.#family, known.add(this as never))
    for (const each of known) if (each.batch.isReleased()) known.delete(each)
    const { shared, source } = this.options
    if (source !== undefined) continueSource(this.#family, source, this.#observations)
    if (shared || source !== undefined) return
    // An earlier batch left series that no source has.
    this.#family.removeAllBut((values) => {
      const key = keyOf(this.#names, Object.fromEntries(this.#names.map((name, index) => [name, values[index]!])))!
      return known.values().some((each) => each.#observations.has(key))
    })
  }

  /** Shows what was set in this round, and removes the label sets that were not. */
  commit(): void {
    const family = this.#family
    if (family === undefined) return
    const gone = this.#sweep(family)
    // Other batches may have label sets in the overflow series of a shared family.
    const mayUnfold = family.folded !== undefined && !this.options.shared
    if (mayUnfold && this.#homeless(family) <= Math.max(0, family.room)) family.unfold()
    const kept = family.folded === undefined ? 0 : maxKeptTotals
    for (const key of gone.slice(0, Math.max(0, gone.length - kept))) this.#observations.delete(key)
    for (const observation of this.#observations.values()) {
      if (!this.#isSet(observation)) continue
      const mayLeave = this.kind.type === 'gauge' && observation.series === family.folded && family.room > 0
      if (mayLeave || observation.series?.isRemoved !== false) {
        if (observation.series !== undefined) observation.shown = 0
        observation.series = family.labels(observation.labels)
      }
      this.kind.write(family, observation.series!, observation)
    }
  }

  #isSet({ round }: Observation<S>): boolean {
    return round === this.batch.round
  }

  /** How many label sets would take room: those in the overflow series and the new ones. */
  #homeless({ folded }: StoredFamily<S>): number {
    let count = 0
    for (const observation of this.#observations.values()) {
      const { series } = observation
      if (this.#isSet(observation) && (series === undefined || series === folded)) count += 1
    }
    return count
  }

  /**
   * Removes the label sets that were not set. A counter's overflow series must not fall, so the total that such a label
   * set had there is kept, in case it returns.
   * @returns the label sets whose totals are kept, the oldest first
   */
  #sweep(family: StoredFamily<S>): string[] {
    const gone: string[] = []
    for (const [key, observation] of this.#observations) {
      if (this.#isSet(observation)) continue
      const { series, labels } = observation
      if (series !== undefined && series === family.folded && this.kind.type === 'counter') gone.push(key)
      else {
        this.#observations.delete(key)
        if (series !== undefined) family.remove(labels)
      }
    }
    return gone
  }
}

type Read = () => number | bigint | undefined
type CounterSeries = ReturnType<CounterFamily['labels']>
type GaugeSeries = ReturnType<GaugeFamily['labels']>

/** @param isReleased whether a successor may have the families: a late answer of a source then sets nothing */
export function createBatch(
  metrics: Pick<MetricFactory, 'counter' | 'gauge'>,
  isReleased = () => false,
): BatchObservation {
  const batch = { round: 0, isObserving: false, isReleased }
  const reads: (() => void)[] = []
  const families: Pick<ObservedSeries<CounterSeries>, 'prepare' | 'commit'>[] = []

  function add<S extends CounterSeries | GaugeSeries>(
    options: ObservedOptions,
    kind: Kind<S>,
    read: Read | undefined,
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
    counter({ tolerance = 0, ...options }: ObservedOptions, read?: Read) {
      if (options.source !== undefined) noteSource(metrics)
      const kind: Kind<CounterSeries> = {
        type: 'counter',
        register: () =>
          metrics.counter({ hasCreated: options.source !== undefined, ...options }) as unknown as CounterFamily,
        write(family, series, observation) {
          const { shown, value: total } = observation
          if (total < shown && shown - total <= tolerance) return
          observation.shown = total
          if (series !== family.folded && options.source === undefined) series.reset(total)
          // A total that fell began again at zero.
          else series.inc(total < shown ? total : total - shown)
        },
      }
      return add(options, kind, read) as never
    },
    gauge({ tolerance: _, source: __, ...options }: ObservedOptions, read?: Read) {
      const kind: Kind<GaugeSeries> = {
        type: 'gauge',
        register: () => metrics.gauge(options) as unknown as GaugeFamily,
        write: (_family, series, { value }) => series.set(value),
      }
      return add(options, kind, read) as never
    },
    observe(callback) {
      if (isReleased()) return
      batch.round += 1
      batch.isObserving = true
      try {
        for (const read of reads) read()
        refusePromise(callback?.(), 'the callback of observe')
      } finally {
        batch.isObserving = false
      }
      for (const family of families) family.prepare()
      for (const family of families) family.commit()
    },
  }
}
