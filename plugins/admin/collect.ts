/** The metrics of the admin API itself. */
import type { Collector } from '../metrics/api.ts'
import type { AdminInstance } from './engine.ts'

export const adminCollector = ({ bodies, gate, inherited, jobs, streams }: AdminInstance): Collector => ({
  name: 'admin',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge(
      { name: 'arkwatch_admin_sessions', help: 'Browser sessions of the admin API.' },
      () => inherited.sessions.size,
    )
    batch.gauge({ name: 'arkwatch_admin_streams', help: 'Open event streams of the admin API.' }, () => streams.open)
    batch.gauge({ name: 'arkwatch_admin_jobs_running', help: 'Running jobs of the admin API.' }, () => jobs.running)
    batch.counter(
      {
        name: 'arkwatch_admin_streams_dropped_total',
        help: 'Event streams closed because the client read too slowly.',
      },
      () => streams.dropped,
    )
    batch.counter(
      { name: 'arkwatch_admin_auth_failures_total', help: 'Requests to the admin API without a valid key or session.' },
      () => gate.failures,
    )
    batch.counter(
      {
        name: 'arkwatch_admin_bodies_refused_total',
        help: 'Requests to the admin API refused because the body arrived too slowly or too many bodies arrived at one time.',
      },
      () => bodies.refused,
    )
    return batch.observe
  },
})
