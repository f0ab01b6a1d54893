import { describe, expect, test } from 'bun:test'
import { healthCollector } from '../../../plugins/health/collect.ts'
import { recorder } from '../metrics/recorder.ts'
import { down, engineOf, hung, spec, up } from './support.ts'

describe('the metrics of health', () => {
  test('every check has its health, status, latency, runs and last success; a removed one has none', async () => {
    const { clock, engine } = engineOf([spec('a', up), spec('b', down), spec('c', hung)])
    const metrics = recorder()
    const collect = healthCollector(engine, () => ({ count: 2, seconds: 3.5 })).setup(metrics)
    engine.start()
    await clock.advance(2_000)
    await collect()
    await collect()
    expect(Object.fromEntries(metrics.samples)).toMatchObject({
      'arkrelay_service_health{service_name="a"}': 1,
      'arkrelay_service_health{service_name="b"}': 0,
      'arkwatch_health_check_status{check="a",status="up"}': 1,
      'arkwatch_health_check_status{check="a",status="down"}': 0,
      'arkwatch_health_check_status{check="b",status="down"}': 1,
      'arkwatch_health_check_last_success_timestamp_seconds{check="a"}': (clock.now() - 2_000) / 1_000,
      'arkwatch_health_check_duration_seconds_count{check="a"}': 1,
      'arkwatch_health_check_runs_total{check="a",outcome="up"}': 1,
      'arkwatch_health_check_runs_total{check="c",outcome="timeout"}': 1,
      arkwatch_health_abandoned_runs: 1,
      arkwatch_event_loop_stalls_total: 2,
      arkwatch_event_loop_stalled_seconds_total: 3.5,
    })
    expect(metrics.samples.has('arkwatch_health_check_last_success_timestamp_seconds{check="b"}')).toBe(false)
    engine.set([spec('b', down)], [])
    await collect()
    expect([...metrics.samples.keys()].filter((key) => /"[ac]"/.test(key))).toEqual([])
    engine.stop()
  })
})
