import type { CounterHandle, Exemplar } from '../api.ts'
import { metricsError } from '../errors.ts'
import { exemplarText } from './exemplar.ts'
import { type SampleShape, type SeriesBase, type SeriesText, StoredFamily } from './family.ts'
import { deadOffset, Slots } from './slots.ts'

const samples: readonly SampleShape[] = [{ suffix: '' }]

class CounterSeries implements SeriesBase, CounterHandle {
  text: SeriesText | undefined = undefined
  visited: SeriesBase['visited'] = undefined
  createdMs = 0
  exemplars: SeriesBase['exemplars'] = undefined
  offset: number
  constructor(
    readonly family: CounterFamily,
    readonly values: readonly string[],
  ) {
    this.offset = family.slots.take()
  }

  inc(by = 1, exemplar?: Exemplar): void {
    // false for NaN, too
    if (!(by >= 0 && by < Number.POSITIVE_INFINITY)) throw this.family.refusal(by)
    if (exemplar !== undefined) this.exemplars = [exemplarText(this.family.name, exemplar, by, this.family.now())]
    this.family.slots.values[this.offset]! += by
  }

  /** Sets the total of a source that counts itself; a lower one is a reset. */
  reset(total: number): void {
    const { values } = this.family.slots
    if (total < values[this.offset]!) {
      this.createdMs = this.family.now()
      this.text = undefined
    }
    values[this.offset] = total
  }

  get isRemoved(): boolean {
    return this.offset === deadOffset
  }

  kill(): void {
    this.family.slots.giveBack(this.offset)
    this.offset = deadOffset
  }
}

/** A counter only rises, except for a reset. */
export class CounterFamily extends StoredFamily<CounterSeries> {
  readonly type = 'counter'
  readonly samples = samples
  readonly slots = new Slots(1)

  /** @throws METRICS_VALUE_INVALID for a number that is negative or not finite, METRICS_EXEMPLAR_INVALID */
  inc(labels: Readonly<Record<string, string>> = {}, by = 1, exemplar?: Exemplar): void {
    this.labels(labels).inc(by, exemplar)
  }

  refusal(value: number) {
    const expected = 'a counter takes finite numbers from 0'
    return metricsError('METRICS_VALUE_INVALID', { metric: this.name, value, expected })
  }

  protected create(values: readonly string[]): CounterSeries {
    return new CounterSeries(this, values)
  }

  read(series: CounterSeries, out: Float64Array): void {
    out[0] = this.slots.values[series.offset]!
  }
}
