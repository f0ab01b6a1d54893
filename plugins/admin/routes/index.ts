/** The routes of the admin plugin itself. */
import type { Audit } from '../../audit/api.ts'
import type { AdminRoutes } from '../api.ts'
import type { AdminServer } from '../http/server.ts'
import type { Jobs } from '../jobs.ts'
import type { StreamOptions } from '../streams/event-stream.ts'
import type { BundleOptions } from '../support-bundle.ts'
import { auditRoutes } from './audit.ts'
import { bundleRoutes } from './bundle.ts'
import { configRoutes } from './config.ts'
import { jobRoutes } from './jobs.ts'
import { keyRoutes } from './keys.ts'
import { logRoutes } from './logs.ts'
import { type OperationRouteOptions, operationRoutes } from './operations.ts'
import { pendingRoutes } from './pending.ts'
import { pluginRoutes } from './plugins.ts'
import { referenceRoutes } from './reference.ts'
import { type SessionRouteOptions, sessionRoutes } from './session.ts'
import { streamRoutes } from './stream.ts'
import { systemRoutes } from './system.ts'

export interface OwnRouteOptions extends SessionRouteOptions, OperationRouteOptions, BundleOptions, StreamOptions {
  readonly audit: Audit
  readonly jobs: Jobs
  readonly server: AdminServer
  isUp(plugin: string): boolean
}

export function ownRoutes(options: OwnRouteOptions): readonly AdminRoutes[] {
  const { runtime, clock, audit, keyring, jobs, samples, logging } = options
  const { now } = clock
  const apps = [
    () => sessionRoutes(options),
    () => keyRoutes(keyring, now),
    () => pluginRoutes(runtime),
    () => configRoutes(runtime, clock),
    () => logRoutes(logging, now),
    () => systemRoutes(samples, now, runtime.status().startedAtMs),
    () => jobRoutes(jobs),
    () => auditRoutes(audit),
    () => streamRoutes(options, audit),
    () => bundleRoutes(options),
    () => referenceRoutes(() => options.server.document()),
  ]
  const rest = [() => operationRoutes(options), () => pendingRoutes(options.isUp)]
  // First those with fixed paths: /admin/jobs/statistics is not a job.
  return [...rest.map((app) => ({ path: '/', app })), ...apps.map((app) => ({ path: '/admin', app }))]
}
