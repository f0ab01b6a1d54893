import type { Collector } from '../metrics/api.ts'
import type { AdminInstance } from './engine.ts'

export const adminCollector = (source: AdminInstance): Collector => ({
  name: 'admin',
  setup(metrics) {
    const { bodies, gate, inherited, jobs, streams } = source
    const batch = metrics.batch()
    const gauge = (name: string, help: string, read: () => number) => batch.gauge({ name, help }, read)
    const counter = (name: string, help: string, read: () => number) => batch.counter({ name, help, source }, read)
    gauge('arkwatch_admin_sessions', 'Browser sessions of the admin API.', () => inherited.sessions.size)
    gauge('arkwatch_admin_streams', 'Open event streams of the admin API.', () => streams.open.size)
    gauge('arkwatch_admin_jobs_running', 'Running jobs of the admin API.', () => jobs.running)
    const dropped = 'Event streams closed because the client read too slowly.'
    counter('arkwatch_admin_streams_dropped_total', dropped, () => streams.dropped)
    const failures = 'Requests to the admin API without a valid key or session.'
    counter('arkwatch_admin_auth_failures_total', failures, () => gate.failures)
    const refused =
      'Requests to the admin API refused because the body arrived too slowly or too many bodies arrived at one time.'
    counter('arkwatch_admin_bodies_refused_total', refused, () => bodies.refused)
    return batch.observe
  },
})
