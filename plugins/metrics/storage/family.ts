/** A family: series by label values, found through nested Maps. Label sets over the limit share one series. */
import { redactName } from '../../../core/plugin.ts'
import type { MetricType } from '../api.ts'
import { metricsError } from '../errors.ts'

/** The value of every label of the overflow series. */
export const overflowValue = '__overflow__'
/** Longer label values are cut to this length. */
export const maxLabelLength = 1_024

type AnyLabels = Readonly<Record<string, string>>

/** @returns the value as the metric holds it: cut, and half a character as U+FFFD, as it is exposed */
export const labelValue = (value: unknown): string => {
  const text = String(value)
  return (text.length > maxLabelLength ? text.slice(0, maxLabelLength) : text).toWellFormed()
}

const isObject = (labels: unknown): labels is AnyLabels => typeof labels === 'object' && labels !== null

export const hasCount = (labels: unknown, count: number): labels is AnyLabels =>
  isObject(labels) && Object.keys(labels).length === count

export function labelsRefused(metric: string, names: readonly string[], labels: unknown) {
  const shown = ([name, value]: [string, unknown]) => ((value ?? null) === null ? `${name} without a value` : name)
  const got = isObject(labels) ? Object.entries(labels).map(shown).join(', ') : String(labels)
  return metricsError('METRICS_LABELS_INVALID', { metric, wanted: names.join(', '), got })
}

export function valueRefused(metric: string, type: MetricType, given: unknown) {
  const isSimple = ['number', 'bigint', 'boolean', 'undefined'].includes(typeof given) || given === null
  const text = typeof given === 'string' ? JSON.stringify(redactName(given)) : `of the type ${typeof given}`
  const value = isSimple ? String(given) : text
  const numbers = type === 'gauge' ? 'numbers' : `finite numbers${type === 'counter' ? ' from 0' : ''}`
  return metricsError('METRICS_VALUE_INVALID', { metric, value, expected: `a ${type} takes ${numbers}` })
}

/** @returns a value for each name @throws METRICS_LABELS_INVALID for a name without a value, and for another name */
function labelValues(metric: string, names: readonly string[], labels: AnyLabels): string[] {
  if (hasCount(labels, names.length) && names.every((name) => (labels[name] ?? null) !== null))
    return names.map((name) => labelValue(labels[name]))
  throw labelsRefused(metric, names, labels)
}
type Node<S> = S | Map<string, Node<S>> | undefined

/** One series, which is its own handle. */
export abstract class SeriesBase {
  /** Exposition text, made once for the common labels; undefined until then. */
  text: SeriesText | undefined = undefined
  /** Labels of each sample as visitors receive them, made once for the common labels. */
  visited: { readonly common: AnyLabels; readonly labels: readonly AnyLabels[] } | undefined = undefined
  /** When counting began, epoch milliseconds. */
  createdMs = 0
  /** The newest exemplar of each sample, as text; undefined before the first. */
  exemplars: (string | undefined)[] | undefined = undefined
  constructor(readonly values: readonly string[]) {}
  /** Frees the storage; the handle then writes to nowhere. */
  abstract kill(): void
}

/** Each sample's `name{labels} ` in both formats; one array where they do not differ. */
export interface SeriesText {
  readonly common: AnyLabels
  readonly prometheus: readonly string[]
  readonly openmetrics: readonly string[]
  /** The whole line `_created`; empty for metrics that have none. */
  readonly created: string
}

export interface FamilyOptions {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly maxSeries: number
  /** Whether series began to count when they were made. */
  readonly hasCreated: boolean
  /** Epoch milliseconds. */
  now(): number
}

/** A sample's suffix and label beyond those of the family. */
export interface SampleShape {
  readonly suffix: string
  readonly label?: { readonly name: 'le' | 'quantile'; readonly prometheus: string; readonly openmetrics: string }
}

export abstract class StoredFamily<S extends SeriesBase> {
  abstract readonly type: MetricType
  /** The samples of one series, in the order of `read`. */
  abstract readonly samples: readonly SampleShape[]
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly all = new Set<S>()
  readonly hasCreated: boolean
  /** Epoch milliseconds. */
  readonly now: () => number
  maxSeries: number
  /** Counts the series that were removed. */
  removals = 0
  /** Called after series were removed: offsets kept elsewhere are then invalid. */
  onRemove: (() => void) | undefined
  /** Called each time a label set is added to the overflow series. */
  onOverflow: (() => void) | undefined
  readonly #first: string
  readonly #second: string
  readonly #third: string
  /** The overflow series. */
  folded: S | undefined
  #root: Node<S>

  constructor({ name, help, labels, maxSeries, hasCreated, now }: FamilyOptions) {
    this.name = name
    this.help = help
    this.labelNames = labels
    const [first = '', second = '', third = ''] = labels
    this.#first = first
    this.#second = second
    this.#third = third
    this.maxSeries = maxSeries
    this.hasCreated = hasCreated
    this.now = now
  }

  refusal(value: unknown) {
    return valueRefused(this.name, this.type, value)
  }

  /** How many label sets may still get a series of their own; not positive at the limit. */
  get room(): number {
    return this.maxSeries - this.all.size + (this.folded === undefined ? 0 : 1)
  }

  protected abstract create(values: readonly string[]): S
  /** Writes the numbers of a series, one for each sample, into `out`. */
  abstract read(series: S, out: Float64Array): void

  /** The series of the labels, created if absent. @throws METRICS_LABELS_INVALID */
  labels(labels: AnyLabels): S {
    const known = hasCount(labels, this.labelNames.length) ? this.#at(this.#root, labels) : undefined
    return (known as S | undefined) ?? this.#miss(labels)
  }

  /** Steps down by label values. Written out: a loop over computed names takes twice as long. */
  #at(root: Node<S>, labels: AnyLabels): Node<S> {
    if (root === undefined) return undefined
    const names = this.labelNames
    const map = root as Map<string, Map<string, Map<string, Node<S>>>>
    switch (names.length) {
      case 0:
        return root
      case 1:
        return map.get(labels[this.#first]!) as Node<S>
      case 2:
        return map.get(labels[this.#first]!)?.get(labels[this.#second]!) as Node<S>
      case 3:
        return map.get(labels[this.#first]!)?.get(labels[this.#second]!)?.get(labels[this.#third]!)
    }
    let node: Node<S> = root
    for (const name of names) node = (node as Map<string, Node<S>> | undefined)?.get(labels[name]!)
    return node
  }

  /** Removes the series whose labels include the given ones. @throws METRICS_LABELS_INVALID */
  remove(labels: AnyLabels): void {
    const names = isObject(labels) ? Object.keys(labels) : undefined
    // A value that is missing by mistake must not remove the whole family.
    if (!names?.every((name) => this.labelNames.includes(name) && (labels[name] ?? null) !== null))
      throw labelsRefused(this.name, this.labelNames, labels)
    const wanted = names.map((name) => [this.labelNames.indexOf(name), labelValue(labels[name])] as const)
    const exact = () => this.#find(this.labelNames.map((name) => labelValue(labels[name])))
    const found =
      wanted.length === this.labelNames.length ? [exact()].filter((series) => series !== undefined) : this.all
    this.#removeWhere(found, ({ values }) => wanted.every(([index, value]) => values[index] === value))
  }

  /** Removes the series whose label values are not kept. */
  removeAllBut(isKept: (values: readonly string[]) => boolean): void {
    this.#removeWhere(this.all, ({ values }) => !isKept(values))
  }

  /** Removes the overflow series. */
  unfold(): void {
    if (this.folded !== undefined) this.#removeWhere([this.folded], () => true)
  }

  #removeWhere(found: Iterable<S>, isWanted: (series: S) => boolean): void {
    let removed = false
    for (const series of found) {
      if (!isWanted(series)) continue
      this.#take(series)
      removed = true
    }
    if (removed) this.onRemove?.()
  }

  #find(values: readonly string[]): S | undefined {
    let node = this.#root
    for (const value of values) node = (node as Map<string, Node<S>> | undefined)?.get(value)
    return node as S | undefined
  }

  #miss(labels: AnyLabels): S {
    const values = labelValues(this.name, this.labelNames, labels)
    const known = this.#find(values)
    if (known !== undefined) return known
    if (this.room > 0) return this.#add(values)
    this.onOverflow?.()
    const everywhere = values.map(() => overflowValue)
    this.folded ??= this.#find(everywhere) ?? this.#add(everywhere)
    return this.folded
  }

  #add(values: readonly string[]): S {
    const series = this.create(values)
    series.createdMs = this.now()
    this.all.add(series)
    if (values.length === 0) {
      this.#root = series
      return series
    }
    this.#root ??= new Map()
    let map = this.#root as Map<string, Node<S>>
    for (const value of values.slice(0, -1)) {
      const next = map.get(value) ?? new Map()
      map.set(value, next)
      map = next as Map<string, Node<S>>
    }
    map.set(values.at(-1)!, series)
    return series
  }

  #take(series: S): void {
    this.all.delete(series)
    this.removals += 1
    if (this.folded === series) this.folded = undefined
    const maps: Map<string, Node<S>>[] = []
    let node = this.#root
    for (const value of series.values) {
      maps.push(node as Map<string, Node<S>>)
      node = (node as Map<string, Node<S>>).get(value)
    }
    if (maps.length === 0) this.#root = undefined
    for (let index = maps.length - 1; index >= 0; index -= 1) {
      maps[index]!.delete(series.values[index]!)
      if (maps[index]!.size > 0) break
    }
    series.kill()
  }
}
