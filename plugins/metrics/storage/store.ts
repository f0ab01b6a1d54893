/** All families of one runtime, and the names that each takes up. */
import type { Clock } from '../../../core/plugin.ts'
import type { MetricFactory } from '../api.ts'
import { metricsError } from '../errors.ts'
import { checkNames, namesTaken } from '../naming.ts'
import { type AnyFamily, conflict, createFactory, type Registration } from './factory.ts'
import type { CounterFamily } from './number-families.ts'

/** How many metrics a runtime takes. */
export const maxFamilies = 5_000

export interface EntryOwner {
  readonly plugin: string | undefined
  readonly isActive: boolean
  readonly isNew: boolean
}

/** A family as it was registered. */
export interface Entry {
  readonly family: AnyFamily
  readonly wanted: Registration
  readonly owners: Set<EntryOwner>
  /** The limit of the last registration that gave one. */
  maxSeries: number | undefined
}

export class MetricStore implements MetricFactory {
  readonly #entries = new Map<string, Entry>()
  /** Each name that a metric takes up, with the metric. */
  readonly #names = new Map<string, Entry>()
  readonly #overflow: CounterFamily
  #defaultMaxSeries = 1_000
  readonly counter: MetricFactory['counter']
  readonly gauge: MetricFactory['gauge']
  readonly histogram: MetricFactory['histogram']
  readonly summary: MetricFactory['summary']
  readonly batch: MetricFactory['batch']

  /** @param clock for the windows of summaries, and for when a series was made */
  constructor(readonly clock: Pick<Clock, 'monotonic' | 'now'>) {
    const metrics = createFactory((wanted) => this.#register(wanted), clock)
    ;({ counter: this.counter, gauge: this.gauge, histogram: this.histogram, summary: this.summary } = metrics)
    this.batch = metrics.batch
    this.#overflow = this.counter({
      name: 'arkwatch_metrics_overflow_total',
      help: 'Values that went to the series __overflow__ because the metric has reached its limit of series.',
      labels: ['metric'],
      maxSeries: maxFamilies,
    }) as unknown as CounterFamily
  }

  /** In order of registration. Removal and registration during iteration are allowed. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  *families(): IterableIterator<AnyFamily> {
    for (const { family } of this.#entries.values()) yield family
  }

  entry(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  family(name: string): AnyFamily | undefined {
    return this.entry(name)?.family
  }

  /** The metric that takes up a sample or family name. */
  ownerOf(name: string): Entry | undefined {
    return this.#names.get(name)
  }

  /** For metrics that do not set a limit of their own. */
  set defaultMaxSeries(limit: number) {
    this.#defaultMaxSeries = limit
    for (const entry of this.#entries.values()) this.#limit(entry)
  }

  #limit({ family, maxSeries = this.#defaultMaxSeries }: Entry): void {
    family.maxSeries = maxSeries
  }

  /** The metrics that take up names of a new one. */
  inTheWay({ options: { name }, type }: Registration): Entry[] {
    return [...new Set(namesTaken(name, type).flatMap((taken) => this.#names.get(taken) ?? []))]
  }

  /** @returns the same entry, with the limit that was asked for last */
  again(entry: Entry, { options: { maxSeries } }: Registration): Entry {
    entry.maxSeries = maxSeries ?? entry.maxSeries
    this.#limit(entry)
    return entry
  }

  /** Makes a family that is not in the store yet. @throws METRICS_NAME_INVALID, METRICS_TOO_MANY */
  create(wanted: Registration): Entry {
    const { type, options } = wanted
    const { name, help, labels = [], maxSeries, hasCreated = true } = options
    checkNames(name, type, help, labels)
    if (this.#entries.size >= maxFamilies) {
      throw metricsError('METRICS_TOO_MANY', { metric: name, limit: maxFamilies })
    }
    const family = wanted.create({
      name,
      help,
      labels: [...labels],
      maxSeries: maxSeries ?? this.#defaultMaxSeries,
      hasCreated: hasCreated && type !== 'gauge',
      now: () => this.clock.now(),
    })
    // without labels everything that counts begins at zero; a gauge has no value before it is set
    if (labels.length === 0 && type !== 'gauge') family.labels({})
    return { family, wanted, owners: new Set(), maxSeries }
  }

  put(entry: Entry): void {
    const { family, wanted } = entry
    this.#limit(entry)
    family.onOverflow = () => this.#overflow.inc({ metric: family.name })
    for (const taken of namesTaken(family.name, wanted.type)) this.#names.set(taken, entry)
    this.#entries.set(family.name, entry)
  }

  /** Takes a metric out of the store; its values stay. */
  take({ family: { name, type } }: Entry): void {
    this.#entries.delete(name)
    for (const taken of namesTaken(name, type)) this.#names.delete(taken)
  }

  /** Removes a metric with all its series. */
  drop(entry: Entry): void {
    const { family } = entry
    family.remove({})
    this.#overflow.remove({ metric: family.name })
    this.take(entry)
  }

  /** For a metric that lives as long as the store. */
  #register(wanted: Registration): AnyFamily {
    const known = this.entry(wanted.options.name)
    if (known?.wanted.shape === wanted.shape) return this.again(known, wanted).family
    const [inTheWay] = this.inTheWay(wanted)
    if (inTheWay !== undefined) throw conflict(inTheWay.wanted, wanted)
    const entry = this.create(wanted)
    entry.owners.add({ plugin: undefined, isActive: true, isNew: false })
    this.put(entry)
    return entry.family
  }
}
