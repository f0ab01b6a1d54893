/** The remaining paths of the original gateway: overviews, and restarting services. */
import { z } from '@hono/zod-openapi'
import type { Clock, Runtime } from '../../../core/plugin.ts'
import type { CheckReport, Health } from '../../health/api.ts'
import { required } from '../errors.ts'
import { body, iso, isoOrNull, nullableTime, record, reply, timestamp } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'
import { shownStatus } from './plugins.ts'

export interface OperationRouteOptions {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly health: Health | undefined
  /** Names of the external services that may be restarted. */
  readonly services: readonly string[]
  /** @returns milliseconds that it took @throws ADMIN_COMMAND_FAILED */
  restartService(name: string): Promise<number>
}

const Check = z.object({
  status: z.enum(['up', 'degraded', 'down', 'unknown']),
  healthy: z.boolean(),
  critical: z.boolean(),
  latency_ms: z.number().nullable(),
  observed_at: nullableTime,
  message: z.string(),
  details: record,
})

const shownCheck = (check: CheckReport) => ({
  status: check.status,
  healthy: check.status === 'up' || check.status === 'degraded',
  critical: check.critical,
  latency_ms: check.latencyMs ?? null,
  observed_at: isoOrNull(check.observedAtMs),
  message: check.message,
  details: { ...check.details },
})

const HealthStatus = z.object({
  overall_healthy: z.boolean(),
  status: z.enum(['up', 'degraded', 'down']),
  checks: z.record(z.string(), Check),
  timestamp,
})

export function operationRoutes({ runtime, clock, health, services, restartService }: OperationRouteOptions) {
  const { now } = clock
  const { app, route } = createRoutes()
  const report = () => {
    const found = required(health, 'health')
    const status = found.status()
    const checks = Object.fromEntries(found.checks().map((check) => [check.name, shownCheck(check)]))
    return { overall_healthy: status !== 'down', status, checks, timestamp: iso(now()) }
  }
  route(
    'get /admin/health/comprehensive',
    'Shows every check, with details.',
    { id: 'health.show', access: 'viewer', plugin: 'health' },
    { 200: reply('The checks.', z.object({ status: HealthStatus, timestamp })) },
    () => ({ status: report(), timestamp: iso(now()) }),
  )
  const row = record.describe('As the gateway’s plugin gives it.')
  route(
    'get /admin/dashboard/summary',
    'Shows health, recent activity and counts.',
    { id: 'dashboard.summary', access: 'viewer' },
    {
      200: reply(
        'The summary. A value whose plugin is off is null, and `unavailable` names the plugin.',
        z.object({
          health_status: HealthStatus.nullable(),
          recent_activity: z.object({ jobs: z.array(row).nullable(), sessions: z.array(row).nullable() }),
          quick_stats: z.object({
            total_jobs: z.int().nullable(),
            active_sessions: z.int().nullable(),
            active_alerts: z.int().nullable(),
          }),
          unavailable: z.array(z.string()),
          timestamp,
        }),
      ),
    },
    () => ({
      health_status: health === undefined ? null : report(),
      recent_activity: { jobs: null, sessions: null },
      quick_stats: { total_jobs: null, active_sessions: null, active_alerts: null },
      unavailable: ['alerting', 'gateway', ...(health === undefined ? ['health'] : [])],
      timestamp: iso(now()),
    }),
  )
  route(
    'get /admin/configuration',
    'Shows the main settings under the names of the original gateway; /admin/config shows all.',
    { id: 'config.summary', access: 'operator', sensitive: true },
    {
      200: reply(
        'The settings. The settings of the gateway alone are null.',
        z.object({ configuration: z.record(z.string(), record), timestamp }),
      ),
    },
    async () => {
      const { config } = (await runtime.describeConfig()) as {
        config: { server?: { host?: string; port?: number }; plugins?: Record<string, Record<string, unknown>> }
      }
      const { server, plugins = {} } = config
      const gatewayOnly = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, null]))
      return {
        configuration: {
          app: {
            flask_env: runtime.status().environment,
            app_port: server?.port ?? null,
            app_host: server?.host ?? null,
            service_type: 'arkwatch',
          },
          logging: { log_level: plugins.logging?.level ?? null },
          network: gatewayOnly('bitcoin_network'),
          monitoring: {
            enable_metrics: plugins.metrics !== undefined && plugins.metrics.enabled !== false,
            metrics_port: server?.port ?? null,
          },
          session: gatewayOnly('session_timeout_minutes', 'max_concurrent_sessions'),
          vtxo: gatewayOnly('vtxo_expiration_hours', 'vtxo_min_amount_sats'),
          fees: gatewayOnly('fee_sats_per_vbyte', 'fee_percentage'),
          grpc: gatewayOnly('grpc_max_message_length', 'grpc_timeout_seconds'),
        },
        timestamp: iso(now()),
      }
    },
  )
  route(
    'get /monitoring/stats',
    'Shows the state of Arkwatch.',
    { id: 'status.monitoring', access: 'viewer' },
    { 200: reply('The state.', z.object({ monitoring_stats: record, timestamp })) },
    () => ({ monitoring_stats: shownStatus(runtime), timestamp: iso(now()) }),
  )
  route(
    'post /admin/restart/service',
    'Restarts a plugin, or an external service that the configuration allows.',
    { id: 'services.restart', access: 'operator', errors: [502] },
    {
      ...body(z.strictObject({ service: z.string().min(1).max(128) })),
      200: reply(
        'The service was restarted.',
        z.object({
          message: z.string(),
          service: z.string(),
          kind: z.enum(['plugin', 'command']),
          duration_ms: z.number(),
          timestamp,
        }),
      ),
    },
    async (c) => {
      const { service } = c.req.valid('json')
      Object.assign(c.var.note, { target: service })
      const kind = services.includes(service) ? 'command' : 'plugin'
      const startedMs = now()
      const restarted = async () => runtime.restart(service).then(() => now() - startedMs)
      const duration_ms = await (kind === 'command' ? restartService(service) : restarted())
      return { message: `Service ${service} restarted`, service, kind, duration_ms, timestamp: iso(now()) } as const
    },
  )
  route(
    'post /admin/shutdown',
    'Drains and ends the process. Closed unless plugins.admin.endpoints opens it.',
    { id: 'shutdown.begin', access: 'admin' },
    { 202: reply('The shutdown has begun.', z.object({ message: z.string(), timestamp })) },
    () => {
      // Not awaited: the shutdown waits for this request, too.
      void runtime.shutdown()
      return { message: 'Shutdown has begun', timestamp: iso(now()) }
    },
  )
  return app
}
