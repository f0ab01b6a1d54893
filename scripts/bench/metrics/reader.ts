/** What a reader takes of the main thread: half of the samples in histograms of 12 buckets, half in counters. */
import { systemClock } from '../../../core/process/clock.ts'
import { Reader } from '../../../plugins/metrics/exposition/series-reader.ts'
import { MetricStore } from '../../../plugins/metrics/storage/store.ts'
import { longestTurn } from '../../../test/support/longest-turn.ts'

export interface ReaderCosts {
  readonly samples: number
  /** Longest turn of the first collection, which reports every series. */
  readonly firstTurnMs: number
  /** Longest turn of a later one. */
  readonly turnMs: number
  /** Median of copies, and of copies after a series was added. */
  readonly copyMs: number
  readonly changedMs: number
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

export async function readerCosts(samples: number, rounds: number): Promise<ReaderCosts> {
  const store = new MetricStore(systemClock)
  const labels = ['a'] as const
  const counter = store.counter({ name: 'a_total', help: 'h', labels, maxSeries: samples })
  const buckets = Array.from({ length: 12 }, (_, index) => index + 1)
  const histogram = store.histogram({ name: 'b_seconds', help: 'h', labels, buckets, maxSeries: samples })
  for (let index = 0; index < samples / 2; index += 1) counter.inc({ a: String(index) }, index)
  for (let index = 0; index < samples / 30; index += 1) histogram.observe({ a: String(index) }, index % 12)
  const source = { families: () => store.families(), foreign: [], common: {}, created: false }
  const reader = new Reader(() => ({ clock: systemClock, collect: async () => source }), { added() {}, removed() {} })
  const firstTurnMs = await longestTurn(() => reader.collect())
  const copies: number[] = []
  const changed: number[] = []
  const turns: number[] = []
  const copy = (into: number[]) => {
    const target = new Float64Array(reader.size)
    const startedMs = systemClock.monotonic()
    reader.copyTo(target)
    into.push(systemClock.monotonic() - startedMs)
  }
  for (let round = 0; round < rounds * 4; round += 1) {
    copy(copies)
    counter.inc({ a: `new ${round}` })
    turns.push(await longestTurn(() => reader.collect()))
    copy(changed)
  }
  return { samples, firstTurnMs, turnMs: median(turns), copyMs: median(copies), changedMs: median(changed) }
}
