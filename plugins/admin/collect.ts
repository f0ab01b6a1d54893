/** The metrics of the admin API itself. */
import type { Collector } from '../metrics/api.ts'
import type { AdminInstance } from './engine.ts'

export const adminCollector = ({ bodies, gate, inherited, jobs, streams }: AdminInstance): Collector => ({
  name: 'admin',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge({ name: 'arkwatch_admin_sessions', help: 'Open browser sessions.' }, () => inherited.sessions.size)
    batch.gauge({ name: 'arkwatch_admin_streams', help: 'Open event streams.' }, () => streams.open)
    batch.gauge({ name: 'arkwatch_admin_jobs_running', help: 'Running jobs.' }, () => jobs.running)
    batch.counter(
      { name: 'arkwatch_admin_streams_dropped_total', help: 'Event streams cut off since their reader was too slow.' },
      () => streams.dropped,
    )
    batch.counter(
      { name: 'arkwatch_admin_auth_failures_total', help: 'Requests without a valid key or session.' },
      () => gate.failures,
    )
    batch.counter(
      { name: 'arkwatch_admin_bodies_refused_total', help: 'Bodies that were too slow or too many at one time.' },
      () => bodies.refused,
    )
    return batch.observe
  },
})
