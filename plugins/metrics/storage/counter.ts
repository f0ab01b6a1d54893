import type { CounterHandle, Exemplar } from '../api.ts'
import { exemplarText } from './exemplar.ts'
import { NumberFamily, SlotSeries } from './slots.ts'

class CounterSeries extends SlotSeries<CounterFamily> implements CounterHandle {
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
