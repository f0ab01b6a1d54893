import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  largest,
  QuantileSketch,
  relativeError,
  SlidingSketch,
  smallest,
} from '../../../core/contract/quantile-sketch.ts'

/** The smallest value that at least this share, in percent, of all values does not exceed. */
const exact = (values: readonly number[], percent: number) =>
  values
    .toSorted((one, other) => one - other)
    .find((value) => values.filter((one) => one <= value).length * 100 >= percent * values.length)!

describe('sketch', () => {
  const value = fc.oneof(
    fc.double({ min: smallest * 2, max: largest, noNaN: true }),
    fc.double({ min: -largest, max: -smallest * 2, noNaN: true }),
    fc.double({ min: 0.001, max: 10, noNaN: true }),
    fc.constant(0),
  )

  test('every quantile is within the relative error of the exact one', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
        const sketch = new QuantileSketch()
        for (const one of values) sketch.add(one)
        for (const percent of [0, 7, 10, 50, 90, 99, 100]) {
          const wanted = exact(values, percent)
          expect(Math.abs(sketch.quantile(percent / 100) - wanted)).toBeLessThanOrEqual(
            Math.abs(wanted) * (relativeError + 1e-9),
          )
        }
      }),
    )
  })

  test.each([
    [[0.05, 0.5, 20], 0.9, 20],
    [[0.05, 20], 0.99, 20],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.51, 3],
  ])('of %p the quantile %p is %p', (values, quantile, expected) => {
    const sketch = new QuantileSketch()
    for (const one of values) sketch.add(one)
    expect(Math.abs(sketch.quantile(quantile) / expected - 1)).toBeLessThan(relativeError)
  })

  test('merging gives what adding everything to one gives', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (some, others) => {
        const [one, other, both] = [new QuantileSketch(), new QuantileSketch(), new QuantileSketch()]
        for (const each of some) one.add(each)
        for (const each of others) other.add(each)
        for (const each of [...some, ...others]) both.add(each)
        one.merge(other)
        for (const quantile of [0, 0.5, 1]) expect(one.quantile(quantile)).toEqual(both.quantile(quantile))
      }),
    )
  })

  test('values beyond the range count as its ends', () => {
    const sketch = new QuantileSketch()
    for (const one of [1e300, -1e300, 1e-300]) sketch.add(one)
    expect(sketch.quantile(1)).toBeCloseTo(largest, -8)
    expect(sketch.quantile(0)).toBeCloseTo(-largest, -8)
    expect(sketch.quantile(0.5)).toBe(0)
  })

  test('an empty one gives NaN', () => {
    expect(new QuantileSketch().quantile(0.5)).toBeNaN()
  })

  test('the window forgets a fifth of itself at a time', () => {
    const window = new SlidingSketch(10_000)
    window.add(1, 0)
    window.add(2, 2_000)
    const counts = [0, 2_000, 9_999, 10_000, 11_999, 12_000, 50_000].map((nowMs) => window.merged(nowMs).count)
    expect(counts).toEqual([2, 2, 2, 1, 1, 0, 0])
  })
})
