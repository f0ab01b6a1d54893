/** The metrics of the admin API itself. */
import type { Collector } from '../metrics/api.ts'
import type { AdminInstance } from './instance.ts'

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
    let seen = 0
    return () => {
      sessions.set({}, instance.inherited.sessions.size)
      streams.set({}, instance.streams.open)
      jobs.set({}, instance.jobs.running)
      dropped.inc({}, instance.streams.dropped - seen)
      seen = instance.streams.dropped
    }
  },
})
