/** The metrics of the admin API itself. */
import type { Collector } from '../metrics/api.ts'
import type { AdminInstance } from './engine.ts'

export const adminCollector = (instance: AdminInstance): Collector => ({
  name: 'admin',
  setup(metrics) {
    const sessions = metrics.gauge({ name: 'arkwatch_admin_sessions', help: 'Open browser sessions.' })
    const streams = metrics.gauge({ name: 'arkwatch_admin_streams', help: 'Open event streams.' })
    const jobs = metrics.gauge({ name: 'arkwatch_admin_jobs_running', help: 'Running jobs.' })
    const dropped = metrics.counter({
      name: 'arkwatch_admin_streams_dropped_total',
      help: 'Event streams cut off since their reader was too slow.',
    })
    const failures = metrics.counter({
      name: 'arkwatch_admin_auth_failures_total',
      help: 'Requests without a valid key or session.',
    })
    const bodies = metrics.counter({
      name: 'arkwatch_admin_bodies_refused_total',
      help: 'Bodies that were too slow or too many at one time.',
    })
    let seen = 0
    let seenFailures = 0
    let seenBodies = 0
    return () => {
      failures.inc({}, instance.gate.failures - seenFailures)
      seenFailures = instance.gate.failures
      bodies.inc({}, instance.bodies.refused - seenBodies)
      seenBodies = instance.bodies.refused
      sessions.set({}, instance.inherited.sessions.size)
      streams.set({}, instance.streams.open)
      jobs.set({}, instance.jobs.running)
      dropped.inc({}, instance.streams.dropped - seen)
      seen = instance.streams.dropped
    }
  },
})
