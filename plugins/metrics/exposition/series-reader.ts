/** A reader: the values of all series by stable ids, for consumers that keep numbers and not the text. */
import type { Clock } from '../../../core/plugin.ts'
import type { ReaderCallbacks, ReaderSeries, SeriesReader } from '../api.ts'
import { refusePromise } from '../errors.ts'
import type { AnyFamily } from '../storage/factory.ts'
import type { SeriesBase } from '../storage/family.ts'
import { copyKept, IdRange, SeriesIds } from '../storage/series-ids.ts'
import { type CommonLabels, visitorLabels } from './format.ts'
import { createPace, type Pace } from './pace.ts'
import type { ExposedSource } from './write.ts'

const maxIds = 1_000_000

/** Where a reader collects. A successor of the plugin is another source of the same series. */
export interface ReaderSource {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Runs the collectors. */
  collect(): Promise<ExposedSource>
}

const nobody: ReaderCallbacks = { added() {}, removed() {} }

export class Reader implements SeriesReader {
  readonly #stored = new Map<AnyFamily, SeriesIds>()
  /** Samples of prom-client by name and labels. */
  readonly #foreign = new Map<string, IdRange>()
  readonly #byId: (IdRange | undefined)[] = []
  /** First ids of free ranges, by the length of the range. */
  readonly #free = new Map<number, number[]>()
  #common: CommonLabels = {}
  #callbacks: ReaderCallbacks
  #collecting: Promise<void> | undefined
  omitted = 0

  /** @param source asked at each collection */
  constructor(
    private readonly source: () => ReaderSource,
    callbacks: ReaderCallbacks,
    private readonly limit = maxIds,
  ) {
    this.#callbacks = callbacks
  }

  get size(): number {
    return this.#byId.length
  }

  collect(): Promise<void> {
    if (this.#callbacks === nobody) return Promise.resolve()
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined
      if (this.#callbacks === nobody) this.close()
    })
    return this.#collecting
  }

  async #collect(): Promise<void> {
    const { clock, collect } = this.source()
    const { families, foreign, common } = await collect()
    const pace = createPace(clock)
    const isRelabelled = !Bun.deepEquals(this.#common, common)
    const shown = new Set(families())
    const samples = new Map(
      foreign.flatMap((family) =>
        family.samples.map((sample) => [`${sample.name} ${JSON.stringify(sample.labels)}`, { ...sample, family }]),
      ),
    )
    for (const ids of this.#stored.values()) {
      const isGone = isRelabelled || !shown.has(ids.family)
      if (!isGone && ids.compared === ids.family.removals) continue
      ids.compared = ids.family.removals
      const all = ids.family.all as ReadonlySet<SeriesBase>
      await this.#remove(ids.ranges, (series) => isGone || !all.has(series), pace)
      if (isGone) this.#stored.delete(ids.family)
    }
    await this.#remove(this.#foreign, (key) => isRelabelled || !samples.has(key), pace)
    this.#common = common
    this.omitted = 0
    for (const family of shown) await this.#addFamily(family, pace)
    for (const [key, { family, name, labels, value }] of samples) {
      const known = this.#foreign.get(key)
      if (known !== undefined) known.kept![0] = value
      else {
        const range = this.#number(1, (first) => new IdRange(first, 1))
        if (range === undefined) continue
        range.kept = Float64Array.of(value)
        this.#foreign.set(key, range)
        this.#added({ id: range.first, family, name, labels: { ...common, ...labels } })
      }
      if (pace.due()) await pace.rest()
    }
  }

  async #addFamily(family: AnyFamily, pace: Pace): Promise<void> {
    const ids = this.#stored.get(family) ?? new SeriesIds(family)
    this.#stored.set(family, ids)
    const names = family.samples.map(({ suffix }) => family.name + suffix)
    const isSlow = family.type === 'summary'
    if (!isSlow && ids.ranges.size === family.all.size) return
    for (const series of family.all as ReadonlySet<SeriesBase>) {
      if (pace.due()) await pace.rest()
      let range = ids.ranges.get(series)
      if (range === undefined) {
        range = this.#number(names.length, (first) => ids.assign(series, first))
        if (range === undefined) continue
        const labels = visitorLabels(family, series, this.#common)
        for (const [index, name] of names.entries())
          this.#added({ id: range.first + index, family, name, labels: labels[index]! })
      }
      if (isSlow) range.kept = range.read()
    }
  }

  #added(series: ReaderSeries): void {
    refusePromise(this.#callbacks.added(series), 'added() of a reader')
  }

  /** Gives ids out, freed ones first. @returns undefined where none are left */
  #number(count: number, create: (first: number) => IdRange): IdRange | undefined {
    const free = this.#free.get(count)?.pop()
    if (free === undefined && this.size + count > this.limit) {
      this.omitted += count
      return undefined
    }
    const range = create(free ?? this.size)
    for (let index = 0; index < count; index += 1) this.#byId[range.first + index] = range
    return range
  }

  async #remove<Key>(ranges: Map<Key, IdRange>, isGone: (key: Key) => boolean, pace: Pace): Promise<void> {
    for (const [key, range] of ranges) {
      if (pace.due()) await pace.rest()
      if (!isGone(key)) continue
      const { first, count } = range
      ranges.delete(key)
      range.ids?.drop(range)
      for (let id = first; id < first + count; id += 1) {
        this.#byId[id] = undefined
        refusePromise(this.#callbacks.removed(id), 'removed() of a reader')
      }
      const free = this.#free.get(count) ?? []
      this.#free.set(count, free)
      free.push(first)
    }
  }

  copyTo(target: Float64Array): void {
    target.fill(Number.NaN, 0, this.size)
    for (const ids of this.#stored.values()) ids.copyTo(target)
    for (const range of this.#foreign.values()) copyKept(range, target)
  }

  read(id: number): number | undefined {
    const range = this.#byId[id]
    return range?.read()?.[id - range.first]
  }

  close(): void {
    this.#callbacks = nobody
    this.#stored.clear()
    this.#foreign.clear()
    this.#byId.length = 0
  }
}
