import type { Collector } from '../metrics/api.ts'
import type { CheckStatus } from './api.ts'
import type { HealthEngine } from './engine.ts'
import type { StallCounts } from './watchdog/supervise.ts'

const statuses: readonly CheckStatus[] = ['up', 'degraded', 'down', 'unknown']
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const maxSeries = 10_000

/** @param stalls what the watchdog has seen so far */
export const healthCollector = (engine: HealthEngine, stalls: () => StallCounts): Collector => ({
  name: 'health',
  setup(metrics) {
    const batch = metrics.batch()
    const healthy = batch.gauge({
      // The name is kept for existing users.
      name: 'arkrelay_service_health',
      help: 'Status of a health check: 1 up or degraded, 0 down or unknown.',
      labels: ['service_name'],
      maxSeries,
    })
    const status = batch.gauge({
      name: 'arkwatch_health_check_status',
      help: 'Status of a health check: 1 for the current status, 0 for every other status.',
      labels: ['check', 'status'],
      maxSeries,
    })
    const success = batch.gauge({
      name: 'arkwatch_health_check_last_success_timestamp_seconds',
      help: 'Time of the last run of a health check with status up or degraded, in seconds since the epoch.',
      labels: ['check'],
      maxSeries,
    })
    const duration = metrics.histogram({
      name: 'arkwatch_health_check_duration_seconds',
      help: 'Latency measured by the runs of a health check.',
      labels: ['check'],
      buckets: durationBuckets,
      maxSeries,
    })
    const runs = metrics.counter({
      name: 'arkwatch_health_check_runs_total',
      help: 'Runs of a health check, by outcome.',
      labels: ['check', 'outcome'],
      maxSeries,
    })
    const abandoned = 'Runs of health checks that have timed out and not ended yet.'
    batch.gauge({ name: 'arkwatch_health_abandoned_runs', help: abandoned }, () => engine.abandoned)
    const counter = (name: string, help: string, read: () => number) =>
      batch.counter({ name, help, source: stalls }, read)
    const reported = 'of the event loop that the watchdog reported.'
    counter('arkwatch_event_loop_stalls_total', `Stalls ${reported}`, () => stalls().count)
    const total = `Total duration of the stalls ${reported}`
    counter('arkwatch_event_loop_stalled_seconds_total', total, () => stalls().seconds)
    engine.onRun = (check, seconds, outcome) => {
      duration.observe({ check }, seconds)
      runs.inc({ check, outcome })
    }
    let known = new Set<string>()
    return () => {
      const checks = engine.checks()
      batch.observe(() => {
        for (const { name: check, status: current, lastSuccessAtMs } of checks) {
          healthy.set(current === 'up' || current === 'degraded' ? 1 : 0, { service_name: check })
          for (const one of statuses) status.set(one === current ? 1 : 0, { check, status: one })
          if (lastSuccessAtMs !== undefined) success.set(lastSuccessAtMs / 1_000, { check })
        }
      })
      const present = new Set(checks.map(({ name }) => name))
      for (const check of known)
        if (!present.has(check)) for (const family of [duration, runs]) family.remove({ check })
      known = present
    }
  },
})
