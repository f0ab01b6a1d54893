import { expect, test } from 'bun:test'
import { duelRatio, median, medianError, type Segment } from '../../scripts/bench/request-overhead/duel.ts'
import { judge, type Row, table } from '../../scripts/bench/request-overhead/report.ts'

const segment = (bare: boolean, us: number): Segment => ({ bare, processUs: us, threadUs: us / 2 })

/** Alternating segments of the given CPU, bare first. */
const alternating = (us: readonly number[]) => us.map((each, at) => segment(at % 2 === 0, each))

test('the variant is compared with its bare neighbours, so that a drift of the machine cancels', () => {
  const drifting = Array.from({ length: 41 }, (_, at) => (10 + at * 0.1) * (at % 2 === 0 ? 1 : 1.05))
  expect(duelRatio([alternating(drifting)], 'processUs').ratio).toBeCloseTo(1.05, 3)
  expect(duelRatio([alternating(drifting)], 'threadUs').ratio).toBeCloseTo(1.05, 3)
})

test('noise that only adds does not favour either side', () => {
  let seed = 1
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const noisy = (ratio: number) =>
    alternating(Array.from({ length: 20_001 }, (_, at) => (10 - 3 * Math.log(random())) * (at % 2 === 0 ? 1 : ratio)))
  expect(Math.abs(duelRatio([noisy(1)], 'processUs').ratio - 1)).toBeLessThan(0.01)
  expect(Math.abs(duelRatio([noisy(1.1)], 'processUs').ratio - 1.1)).toBeLessThan(0.01)
})

test('over passes the median counts, and outliers do not', () => {
  const at = (ratio: number) =>
    alternating(Array.from({ length: 21 }, (_, index) => (index % 2 === 0 ? 10 : 10 * ratio)))
  expect(duelRatio([at(1.01), at(1.02), at(3)], 'processUs').ratio).toBeCloseTo(1.02)
  expect(median([1, 2, 3, 100])).toBe(2.5)
  expect(medianError([...Array.from({ length: 100 }, (_, index) => 1 + (index % 2) * 0.01), 50])).toBeLessThan(0.005)
})

const row = (name: string, ratio: number): Row => {
  const each = { ratio, error: 0.002 }
  return { name, thread: each, process: each, realistic: undefined, rssBytes: 3 * 2 ** 20 }
}

test('the table has a row for each variant, with a dash for what was not measured', () => {
  expect(table([row('bare', 1)]).split('\n')[2]).toMatch(
    /^\| bare +\| 1\.000 ± 0\.002 +\| 1\.000 ± 0\.002 +\| – +\| \+3 MiB \|$/,
  )
})

test('goals are judged where they were measured', () => {
  expect(judge([row('metrics', 1.015)])).toMatchObject({ met: true })
  const missed = judge([row('metrics', 1.016), row('metrics + access log', 1.03)])
  expect(missed.met).toBe(false)
  expect(missed.lines.map((line) => line.slice(0, 6))).toEqual(['MISSED', 'MISSED', 'met   '])
})
