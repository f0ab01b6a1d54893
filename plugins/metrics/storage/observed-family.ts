/** One family of a batch: the label sets that the source has, and the series that each of them is shown by. */
import type { Labels, ObservedFamily, ObservedOptions } from '../api.ts'
import { checkNames } from '../naming.ts'
import { labelValue, labelValues, type SeriesBase, type StoredFamily } from './family.ts'

/** Label sets of a counter that left the overflow series and may return, whose totals are kept. */
export const maxKeptTotals = 1_000

/** One label set that the callback set. */
export interface Observation<S> {
  readonly labels: Labels<string>
  value: number
  /** The round that set the value last. */
  round: number
  series: S | undefined
  /** The total that the series was last given. */
  shown: number
}

export interface Kind<S extends SeriesBase> {
  readonly type: 'counter' | 'gauge'
  register(): StoredFamily<S>
  write(family: StoredFamily<S>, series: S, observation: Observation<S>): void
}

export class ObservedSeries<S extends SeriesBase & { readonly isRemoved: boolean }> implements ObservedFamily<string> {
  readonly #observations = new Map<string, Observation<S>>()
  readonly #names: readonly string[]
  #family: StoredFamily<S> | undefined

  /** @throws METRICS_NAME_INVALID */
  constructor(
    private readonly batch: { readonly round: number },
    private readonly options: ObservedOptions,
    private readonly kind: Kind<S>,
  ) {
    const { name, help, labels = [] } = options
    checkNames(name, kind.type, help, labels)
    this.#names = [...labels]
  }

  /** @throws METRICS_LABELS_INVALID */
  set(value: number | undefined, labels: Labels<string> = {}): void {
    if (value === undefined || !Number.isFinite(value)) return
    const key = this.#keyOf((name) => (labels as Labels<string> | null)?.[name])
    const known = this.#observations.get(key)
    const { round } = this.batch
    if (known !== undefined) {
      known.value = value
      known.round = round
      return
    }
    const values = labelValues(this.options.name, this.#names, labels)
    // The caller may use one object for many label sets.
    const kept = Object.fromEntries(this.#names.map((name, index) => [name, values[index]!]))
    this.#observations.set(key, { labels: kept, value, round, series: undefined, shown: 0 })
  }

  /** Each value after its length, so that no character of a value makes two label sets one. */
  #keyOf(read: (name: string, index: number) => unknown): string {
    let key = ''
    for (let index = 0; index < this.#names.length; index += 1) {
      const value = labelValue(read(this.#names[index]!, index))
      key += `${value.length}:${value}`
    }
    return key
  }

  /** Registers the family with its first value. @throws METRICS_NAME_TAKEN, METRICS_NAME_COLLIDES, METRICS_TOO_MANY */
  prepare(): void {
    if (this.#family !== undefined || !this.#observations.values().some((each) => this.#isSet(each))) return
    this.#family = this.kind.register()
    if (this.options.shared) return
    // An earlier batch left series that this source does not have.
    this.#family.removeAllBut((values) => this.#observations.has(this.#keyOf((_, index) => values[index])))
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
        observation.series = family.labels(observation.labels)
        observation.shown = 0
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
