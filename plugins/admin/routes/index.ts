/** The routes of the admin plugin itself. */
import type { Clock, Runtime } from '../../../core/plugin.ts'
import type { Audit } from '../../audit/api.ts'
import type { Health } from '../../health/api.ts'
import type { Logging } from '../../logging/api.ts'
import type { Metrics } from '../../metrics/api.ts'
import type { AdminRoutes } from '../api.ts'
import type { AdminConfig } from '../config.ts'
import type { Gate } from '../guard/gate.ts'
import type { Sessions } from '../guard/sessions.ts'
import type { AdminServer } from '../http/server.ts'
import type { Jobs } from '../jobs.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Samples } from '../samples.ts'
import type { StreamCounts } from '../streams/event-stream.ts'
import type { Topics } from '../streams/topics.ts'
import { auditRoutes } from './audit.ts'
import { bundleRoutes } from './bundle.ts'
import { configRoutes } from './config.ts'
import { jobRoutes } from './jobs.ts'
import { keyRoutes } from './keys.ts'
import { logRoutes } from './logs.ts'
import { operationRoutes } from './operations.ts'
import { pendingRoutes } from './pending.ts'
import { pluginRoutes } from './plugins.ts'
import { referenceRoutes } from './reference.ts'
import { sessionRoutes } from './session.ts'
import { streamRoutes } from './stream.ts'
import { systemRoutes } from './system.ts'

export interface OwnRouteOptions {
  readonly config: AdminConfig
  readonly runtime: Runtime
  readonly audit: Audit
  readonly health: Health | undefined
  readonly logging: Logging | undefined
  readonly metrics: Metrics | undefined
  readonly clock: Clock
  readonly dataDir: string
  readonly signal: AbortSignal
  readonly gate: Gate
  readonly keyring: Keyring
  readonly sessions: Sessions
  readonly jobs: Jobs
  readonly samples: Samples
  readonly streams: StreamCounts
  readonly topics: Topics
  readonly server: AdminServer
  restartService(name: string): Promise<number>
  isUp(plugin: string): boolean
}

export function ownRoutes(options: OwnRouteOptions): readonly AdminRoutes[] {
  const { config, runtime, audit, clock, gate, keyring, sessions, jobs, samples, topics, signal } = options
  const health = () => options.health
  const logging = () => options.logging
  const metrics = () => options.metrics
  const live = { clock, runtime, samples, health, logging }
  const apps = [
    () => sessionRoutes({ gate, keyring, sessions, absoluteMs: () => config.session.absolute }),
    () => keyRoutes(keyring, clock.now),
    () => pluginRoutes(runtime),
    () => configRoutes(runtime, clock),
    () => logRoutes(logging, clock.now),
    () => systemRoutes({ samples, now: clock.now, startedAtMs: runtime.status().startedAtMs }),
    () => jobRoutes(jobs),
    () => auditRoutes(audit),
    () => streamRoutes({ clock, topics, counts: options.streams, maxStreams: () => config.maxStreams, signal }, audit),
    () => bundleRoutes({ ...live, dataDir: options.dataDir, metrics }),
    () => referenceRoutes(() => options.server.document()),
  ]
  const rest = [
    () =>
      operationRoutes({
        runtime,
        health,
        services: () => Object.keys(config.services),
        restartService: options.restartService,
        now: clock.now,
      }),
    () => pendingRoutes(options.isUp),
  ]
  // First those with fixed paths: /admin/jobs/statistics is not a job.
  return [...rest.map((app) => ({ path: '/', app })), ...apps.map((app) => ({ path: '/admin', app }))]
}
