/** Batches against a model: label sets come, go, return and begin anew, over and under the limit. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createBatch, maxKeptTotals } from '../../../../plugins/metrics/storage/batch-observation.ts'
import { overflowValue } from '../../../../plugins/metrics/storage/family.ts'
import { recorder } from '../recorder.ts'

const part = fc.constantFrom('', 'x', 'y', '\0', 'x\0', '\0x', '1:', ':x', '","')
const labelSets = fc.uniqueArray(fc.record({ a: part, b: part }), {
  minLength: 1,
  maxLength: 6,
  selector: JSON.stringify,
})
/** What each label set does in a round: it is left out, or its total rises by so much, or it began anew. */
const act = fc.oneof(fc.constant('absent' as const), fc.integer({ min: 0, max: 9 }), fc.constant('reset' as const))
const rounds = fc.array(fc.array(act, { minLength: 6, maxLength: 6 }), { maxLength: 25 })
const limit = fc.integer({ min: 1, max: 7 })

/** The series of the first family by their labels, the overflow series apart. */
function published(metrics: ReturnType<typeof recorder>) {
  const own = new Map<string, number>()
  let overflow: number | undefined
  const [family] = metrics.families
  const out = new Float64Array(1)
  for (const series of family?.all ?? []) {
    family!.read(series, out)
    if (series.values.every((value) => value === overflowValue)) overflow = out[0]!
    else own.set(JSON.stringify(series.values), out[0]!)
  }
  return { own, overflow }
}

interface Round {
  /** Label sets with their totals, as the source has them in this round. */
  readonly totals: ReadonlyMap<string, number>
  readonly shown: ReturnType<typeof published>
}

function play(type: 'counter' | 'gauge', each: (round: Round, maxSeries: number) => void, begin: () => void): void {
  fc.assert(
    fc.property(labelSets, rounds, limit, (sets, acts, maxSeries) => {
      begin()
      const metrics = recorder()
      const batch = createBatch(metrics)
      const family = batch[type]({
        name: `x_${type === 'counter' ? 'total' : 'bytes'}`,
        help: 'X.',
        labels: ['a', 'b'],
        maxSeries,
      })
      const source = sets.map((labels) => ({ labels, key: JSON.stringify([labels.a, labels.b]), total: 0 }))
      for (const round of acts) {
        const totals = new Map<string, number>()
        batch.observe(() => {
          source.forEach((one, index) => {
            const does = round[index]!
            if (does === 'absent') return
            one.total = does === 'reset' ? 1 : one.total + does
            totals.set(one.key, one.total)
            family.set(one.total, one.labels)
          })
        })
        each({ totals, shown: published(metrics) }, maxSeries)
      }
    }),
  )
}

describe('a batch shows what its source has:', () => {
  test('a counter its totals, and every event over the limit once', () => {
    let counted = new Map<string, number>()
    let overflow: number | undefined
    play(
      'counter',
      ({ totals, shown }, maxSeries) => {
        if (totals.size <= maxSeries && overflow === undefined) expect(shown.overflow).toBeUndefined()
        for (const [key, value] of shown.own) expect(totals.get(key)).toBe(value)
        expect(shown.own.size).toBeLessThanOrEqual(maxSeries)
        const folded = [...totals].filter(([key]) => !shown.own.has(key))
        if (shown.overflow === undefined) {
          expect(folded).toEqual([])
          counted = new Map()
          overflow = undefined
          return
        }
        expect(folded.length + shown.own.size).toBe(totals.size)
        expect(totals.size).toBeGreaterThan(shown.own.size)
        for (const [key, total] of folded) {
          const before = counted.get(key) ?? 0
          overflow = (overflow ?? 0) + (total >= before ? total - before : total)
          counted.set(key, total)
        }
        expect(shown.overflow).toBe(overflow!)
      },
      () => {
        counted = new Map()
        overflow = undefined
      },
    )
  })

  test('a gauge its values, with as many series as it may have', () => {
    play(
      'gauge',
      ({ totals, shown }, maxSeries) => {
        for (const [key, value] of shown.own) expect(totals.get(key)).toBe(value)
        expect(shown.own.size).toBe(Math.min(totals.size, maxSeries))
        const folded = [...totals].filter(([key]) => !shown.own.has(key)).map(([, value]) => value)
        if (folded.length === 0) expect(shown.overflow).toBeUndefined()
        else expect(folded).toContain(shown.overflow!)
      },
      () => {},
    )
  })
})

test('a label set that leaves the overflow series and returns counts what came in between, and only that', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ name: 'x_total', help: 'X.', labels: ['q'], maxSeries: 1 })
  const seen = [
    { a: 10, b: 100, c: 5 },
    { a: 10, c: 5 },
    { a: 10, b: 101, c: 5 },
    { a: 10 },
    { a: 10, b: 101 },
    { b: 102 },
  ]
  const overflows = seen.map((totals) => {
    batch.observe(() => {
      for (const [q, total] of Object.entries(totals)) counter.set(total, { q })
    })
    return [metrics.value('x_total{q="__overflow__"}'), metrics.value('x_total{q="b"}')]
  })
  expect(overflows).toEqual([
    [105, undefined],
    [105, undefined],
    [106, undefined],
    // Nothing is over the limit now: the overflow series goes, and is made anew.
    [undefined, undefined],
    [101, undefined],
    [undefined, 102],
  ])
})

test('the overflow series remembers the last label sets that left, and no more', () => {
  const metrics = recorder()
  const batch = createBatch(metrics)
  const counter = batch.counter({ name: 'x_total', help: 'X.', labels: ['q'], maxSeries: 1 })
  const observe = (...queues: readonly string[]) => {
    batch.observe(() => {
      for (const q of ['own', 'folded', ...queues]) counter.set(10, { q })
    })
    return metrics.value('x_total{q="__overflow__"}')
  }
  const all = Array.from({ length: maxKeptTotals + 1 }, (_, index) => `q${index}`)
  expect(observe(...all)).toBe((maxKeptTotals + 2) * 10)
  expect(observe()).toBe((maxKeptTotals + 2) * 10)
  expect(observe('q1')).toBe((maxKeptTotals + 2) * 10)
  expect(observe('q0')).toBe((maxKeptTotals + 3) * 10)
})
