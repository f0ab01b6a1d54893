import type { GaugeHandle } from '../api.ts'
import { type SampleShape, type SeriesBase, type SeriesText, StoredFamily } from './family.ts'
import { deadOffset, Slots } from './slots.ts'

const samples: readonly SampleShape[] = [{ suffix: '' }]

class GaugeSeries implements SeriesBase, GaugeHandle {
  text: SeriesText | undefined = undefined
  visited: SeriesBase['visited'] = undefined
  createdMs = 0
  exemplars: SeriesBase['exemplars'] = undefined
  offset: number
  constructor(
    readonly family: GaugeFamily,
    readonly values: readonly string[],
  ) {
    this.offset = family.slots.take()
  }

  set(value: number): void {
    this.family.slots.values[this.offset] = value
  }

  add(by: number): void {
    this.family.slots.values[this.offset]! += by
  }

  get isRemoved(): boolean {
    return this.offset === deadOffset
  }

  kill(): void {
    this.family.slots.giveBack(this.offset)
    this.offset = deadOffset
  }
}

/** A gauge rises and falls, and takes any number, NaN and the infinities too. */
export class GaugeFamily extends StoredFamily<GaugeSeries> {
  readonly type = 'gauge'
  readonly samples = samples
  readonly slots = new Slots(1)

  set(labels: Readonly<Record<string, string>>, value: number): void {
    this.labels(labels).set(value)
  }

  protected create(values: readonly string[]): GaugeSeries {
    return new GaugeSeries(this, values)
  }

  read(series: GaugeSeries, out: Float64Array): void {
    out[0] = this.slots.values[series.offset]!
  }
}
