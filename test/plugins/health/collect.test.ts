import { describe, expect, test } from 'bun:test'
import { healthCollector } from '../../../plugins/health/collect.ts'
import type { MetricFactory } from '../../../plugins/metrics/api.ts'
import { down, engineOf, hung, spec, up } from './support.ts'

/** A factory that keeps the values of gauges and counters, and counts observations. */
function recording() {
  const values = new Map<string, number>()
  const key = (name: string, labels: object) => `${name}${JSON.stringify(labels)}`
  const family = ({ name }: { name: string }) => ({
    name,
    set: (labels: object, value: number) => values.set(key(name, labels), value),
    inc: (labels: object, by = 1) => values.set(key(name, labels), (values.get(key(name, labels)) ?? 0) + by),
    observe: (labels: object) => values.set(key(name, labels), (values.get(key(name, labels)) ?? 0) + 1),
    remove(labels: object) {
      for (const one of values.keys()) {
        const isMatch = Object.entries(labels).every((label) =>
          one.includes(`${JSON.stringify(label[0])}:${JSON.stringify(label[1])}`),
        )
        if (one.startsWith(`${name}{`) && isMatch) values.delete(one)
      }
    },
  })
  const factory = { gauge: family, counter: family, histogram: family, summary: family } as unknown as MetricFactory
  return { factory, values }
}

describe('the metrics of health', () => {
  test('every check has its health, status, latency, runs and last success; a removed one has none', async () => {
    const { clock, engine } = engineOf([spec('a', up), spec('b', down), spec('c', hung)])
    const { factory, values } = recording()
    const collect = healthCollector(engine, () => ({ count: 2, seconds: 3.5 })).setup(factory)
    engine.start()
    await clock.advance(2_000)
    await collect()
    await collect()
    expect(Object.fromEntries(values)).toMatchObject({
      'arkrelay_service_health{"service_name":"a"}': 1,
      'arkrelay_service_health{"service_name":"b"}': 0,
      'arkwatch_health_check_status{"check":"a","status":"up"}': 1,
      'arkwatch_health_check_status{"check":"a","status":"down"}': 0,
      'arkwatch_health_check_status{"check":"b","status":"down"}': 1,
      'arkwatch_health_check_last_success_timestamp_seconds{"check":"a"}': (clock.now() - 2_000) / 1_000,
      'arkwatch_health_check_duration_seconds{"check":"a"}': 1,
      'arkwatch_health_check_runs_total{"check":"a","outcome":"up"}': 1,
      'arkwatch_health_check_runs_total{"check":"c","outcome":"timeout"}': 1,
      'arkwatch_health_abandoned_runs{}': 1,
      'arkwatch_event_loop_stalls_total{}': 2,
      'arkwatch_event_loop_stalled_seconds_total{}': 3.5,
    })
    expect(values.has('arkwatch_health_check_last_success_timestamp_seconds{"check":"b"}')).toBe(false)
    engine.set([spec('b', down)], [])
    await collect()
    expect([...values.keys()].filter((key) => /"[ac]"/.test(key))).toEqual([])
    engine.stop()
  })
})
