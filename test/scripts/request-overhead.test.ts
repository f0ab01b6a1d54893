import { expect, test } from 'bun:test'
import { median, pairRatios, type Segment, summarize } from '../../scripts/bench/request-overhead/duel.ts'
import { judge, type Row, table } from '../../scripts/bench/request-overhead/report.ts'

const segment = (bare: boolean, us: number): Segment => ({ bare, processUs: us, threadUs: us / 2 })

test('each segment of the variant is compared with the mean of its bare neighbours', () => {
  const segments = [segment(true, 8), segment(false, 11), segment(true, 12), segment(false, 12), segment(true, 12)]
  expect(pairRatios(segments, 'processUs')).toEqual([1.1, 1])
  expect(pairRatios(segments, 'threadUs')).toEqual([1.1, 1])
})

test('a variant at either end has no pair', () => {
  expect(pairRatios([segment(false, 1), segment(true, 1), segment(false, 1)], 'processUs')).toEqual([])
})

test('median and error shrug off one outlier', () => {
  expect(median([1, 2, 3, 100])).toBe(2.5)
  const values = Array.from({ length: 100 }, (_, at) => 1 + (at % 2 === 0 ? 0.01 : -0.01))
  expect(summarize([...values, 50]).ratio).toBeCloseTo(1.01)
  expect(summarize([...values, 50]).error).toBeLessThan(0.005)
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
