import type { GaugeHandle } from '../api.ts'
import { NumberFamily, SlotSeries } from './slots.ts'

class GaugeSeries extends SlotSeries<GaugeFamily> implements GaugeHandle {
  set(value: number): void {
    this.family.slots.values[this.offset] = value
  }

  add(by: number): void {
    this.family.slots.values[this.offset]! += by
  }
}

/** A gauge rises and falls, and takes any number, NaN and the infinities too. */
export class GaugeFamily extends NumberFamily<GaugeSeries> {
  readonly type = 'gauge'

  set(labels: Readonly<Record<string, string>>, value: number): void {
    this.labels(labels).set(value)
  }

  protected create(values: readonly string[]): GaugeSeries {
    return new GaugeSeries(this, values)
  }
}
