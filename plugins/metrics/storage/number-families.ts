/** The families whose series have one number each: counters and gauges. */
import type { CounterHandle, Exemplar, GaugeHandle } from '../api.ts'
import { exemplarText } from './exemplar.ts'
import { type SampleShape, type SeriesBase, StoredFamily } from './family.ts'
import { greatestSum, SlotSeries, Slots, sumOf } from './slots.ts'

const plain: readonly SampleShape[] = [{ suffix: '' }]

abstract class NumberFamily<S extends SeriesBase & { readonly offset: number }> extends StoredFamily<S> {
  readonly samples = plain
  readonly slots = new Slots(1)

  read(series: S, out: Float64Array): void {
    out[0] = this.slots.values[series.offset]!
  }
}

class CounterSeries extends SlotSeries<CounterFamily> implements CounterHandle {
  inc(by = 1, exemplar?: Exemplar): void {
    // false for NaN, too; text would be appended to the digits
    if (!(typeof by === 'number' && by >= 0 && by < Number.POSITIVE_INFINITY)) throw this.family.refusal(by)
    if (exemplar !== undefined) this.exemplars = [exemplarText(this.family.name, exemplar, by, this.family.now())]
    const { values } = this.family.slots
    const next = values[this.offset]! + by
    if (next <= greatestSum) values[this.offset] = next
    else this.reset(sumOf(values[this.offset]!, by))
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
}

/** A counter only rises, except for a reset. */
export class CounterFamily extends NumberFamily<CounterSeries> {
  readonly type = 'counter'

  /** @throws METRICS_VALUE_INVALID for a number that is negative or not finite, METRICS_EXEMPLAR_INVALID */
  inc(labels: Readonly<Record<string, string>> = {}, by = 1, exemplar?: Exemplar): void {
    this.labels(labels).inc(by, exemplar)
  }

  protected create(values: readonly string[]): CounterSeries {
    return new CounterSeries(this, values)
  }
}

class GaugeSeries extends SlotSeries<GaugeFamily> implements GaugeHandle {
  set(value: number): void {
    if (typeof value !== 'number') throw this.family.refusal(value)
    this.family.slots.values[this.offset] = value
  }

  add(by: number): void {
    if (typeof by !== 'number') throw this.family.refusal(by)
    this.family.slots.values[this.offset]! += by
  }
}

/** A gauge rises and falls, and takes any number, NaN and the infinities too. */
export class GaugeFamily extends NumberFamily<GaugeSeries> {
  readonly type = 'gauge'

  /** @throws METRICS_VALUE_INVALID for what is not a number */
  set(labels: Readonly<Record<string, string>>, value: number): void {
    this.labels(labels).set(value)
  }

  protected create(values: readonly string[]): GaugeSeries {
    return new GaugeSeries(this, values)
  }
}
