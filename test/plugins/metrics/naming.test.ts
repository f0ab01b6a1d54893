import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { MetricType } from '../../../plugins/metrics/api.ts'
import { lintMetric, namesTaken, registrationProblems, unitOf } from '../../../plugins/metrics/naming.ts'

const promtool = process.env.ARKWATCH_TEST_PROMTOOL_BIN

/** The problems that promtool reports, by metric. */
function promtoolVerdicts(binary: string, text: string): Map<string, Set<string>> {
  const { stderr, exitCode } = Bun.spawnSync([binary, 'check', 'metrics'], { stdin: Buffer.from(text) })
  const verdicts = new Map<string, Set<string>>()
  for (const line of stderr.toString().split('\n').filter(Boolean)) {
    const [name = '', ...rest] = line.split(' ')
    verdicts.set(name, (verdicts.get(name) ?? new Set()).add(rest.join(' ')))
  }
  expect([0, 3]).toContain(exitCode)
  return verdicts
}

const sampleOf = (name: string, type: MetricType, label: string) => {
  const head = `# HELP ${name} h\n# TYPE ${name} ${type}\n`
  if (type === 'counter' || type === 'gauge') return `${head}${name}{${label}="v"} 1\n`
  const own =
    type === 'histogram' ? `${name}_bucket{${label}="v",le="+Inf"} 1` : `${name}{${label}="v",quantile="0.5"} 1`
  return `${head}${own}\n${name}_sum{${label}="v"} 1\n${name}_count{${label}="v"} 1\n`
}

describe('naming', () => {
  const words = [
    ...['http', 'request', 'requests', 'seconds', 'milliseconds', 'minutes', 'bytes', 'kibibytes', 'mibibytes', 'bits'],
    ...['gigabits', 'days', 'thermometers', 'total', 'bucket', 'count', 'sum', 'gauge', 'counter', 'summary'],
    ...[
      'histogram',
      's',
      'ms',
      'sec',
      'mb',
      'd',
      'h',
      'camelCase',
      'a:b',
      'Total',
      'Gauge',
      '',
      'x1',
      'info',
      'created',
    ],
    ...['ratio', 'celsius', 'fahrenheit', 'kelvins', 'microvolts', 'untyped', 'decameters', 'le', 'MS'],
  ]
  const names = fc
    .array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 })
    .map((parts) => `x${parts.join('_')}`)

  test.skipIf(promtool === undefined)('the verdicts are those of promtool, problem by problem', () => {
    const types: MetricType[] = ['counter', 'gauge', 'histogram', 'summary']
    const wanted = new Map<string, { type: MetricType; label: string }>()
    for (const name of fc.sample(names, 1_500)) {
      const at = wanted.size
      wanted.set(name, { type: types[at % 4]!, label: ['method', 'httpMethod', 'code'][at % 3]! })
    }
    // a family must not look like a part of another one; promtool picks one unit of several at random
    const family = (name: string) => name.replace(/_(bucket|count|sum)$/, '')
    const units = (name: string) => new Set(lintMetric(name, 'gauge').filter((one) => one.startsWith('use base')))
    const known =
      /^(seconds|bytes|celsius|decameters|fahrenheit|kelvins|microvolts|milliseconds|minutes|kibibytes|mibibytes|bits|gigabits|days)$/
    const metrics = [...wanted]
      .filter(([name]) => family(name) === name || !wanted.has(family(name)))
      .filter(([name]) => name.split('_').filter((word) => known.test(word)).length < 2 && units(name).size < 2)
    const text = metrics.map(([name, { type, label }]) => sampleOf(name, type, label)).join('')
    const verdicts = promtoolVerdicts(promtool!, text)
    expect(metrics.length).toBeGreaterThan(500)
    for (const [name, { type, label }] of metrics) {
      expect([name, type, ...new Set(lintMetric(name, type, [label]))].sort()).toEqual(
        [name, type, ...(verdicts.get(name) ?? [])].sort(),
      )
    }
  })

  test.skipIf(promtool === undefined)('the labels le and quantile are refused where promtool refuses them', () => {
    const verdicts = promtoolVerdicts(
      promtool!,
      sampleOf('a_ratio', 'gauge', 'le') + sampleOf('b_ratio', 'gauge', 'quantile'),
    )
    expect([...verdicts.get('a_ratio')!]).toEqual(lintMetric('a_ratio', 'gauge', ['le']))
    expect([...verdicts.get('b_ratio')!]).toEqual(lintMetric('b_ratio', 'gauge', ['quantile']))
  })

  test.each([
    ['jobs_total', 'counter', [], ''],
    ['jobs', 'counter', [], 'counter metrics should have "_total" suffix'],
    ['job_milliseconds', 'gauge', [], 'use base unit "seconds" instead of "milliseconds"'],
    ['9jobs', 'gauge', [], '"9jobs" is not a metric name'],
    ['job_seconds_sum', 'histogram', [], 'histograms make the suffixes'],
    ['job_seconds_count', 'summary', [], 'summaries make the suffixes'],
    ['jobs', 'gauge', ['__name__'], 'label names that begin with "__" are reserved'],
    ['jobs', 'gauge', ['a-b'], '"a-b" is not a label name'],
    ['jobs', 'gauge', ['a', 'a'], 'a label is named twice'],
    ['job_seconds', 'histogram', ['le'], 'the label "le" is reserved'],
    ['arkrelay_active_sessions_total', 'gauge', ['session_type'], ''],
  ] as const)('registering %s as %s with labels %j gives "%s"', (name, type, labels, problem) => {
    const problems = registrationProblems(name, type, 'Help.', labels).join('; ')
    if (problem === '') expect(problems).toBe('')
    else expect(problems).toContain(problem)
  })

  test('a metric without help is refused', () => {
    expect(registrationProblems('jobs', 'gauge', ' ')).toEqual(['no help text'])
  })

  test('a counter takes up its OpenMetrics family, a histogram its samples', () => {
    expect(namesTaken('a_total', 'counter')).toEqual(['a_total', 'a', 'a_created'])
    expect(namesTaken('a_seconds', 'histogram')).toContain('a_seconds_bucket')
  })

  test('the unit is the last word if it is a base unit', () => {
    expect(['a_seconds', 'a_ratio', 'seconds', 'a_seconds_max'].map(unitOf)).toEqual([
      'seconds',
      'ratio',
      undefined,
      undefined,
    ])
  })
})
