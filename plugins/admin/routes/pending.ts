/** Paths of the original gateway whose plugin is not there yet: declared, guarded, and honest about it. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Role } from '../api.ts'
import { operation } from '../api.ts'
import { adminError } from '../errors.ts'
import { createApi } from '../http/compose.ts'
import { number } from '../http/reply.ts'

export interface PendingOperation {
  readonly method: 'get' | 'post'
  /** As in the OpenAPI document. */
  readonly path: string
  readonly id: string
  readonly access: Role
  /** The plugin that will answer it. */
  readonly plugin: string
  readonly summary: string
  /** What it will take; what is not valid is 422 already now. */
  readonly body?: z.ZodType
  readonly query?: z.ZodObject
}

export const pendingOperations: readonly PendingOperation[] = [
  {
    method: 'get',
    path: '/admin/alerts',
    id: 'alerts.list',
    access: 'viewer',
    plugin: 'alerting',
    summary: 'Lists active alerts.',
    query: z.object({ history_limit: number(1, 1_000, 50, 'At most so many that are over.') }),
  },
  {
    method: 'get',
    path: '/admin/alerts/rules',
    id: 'alerts.rules',
    access: 'viewer',
    plugin: 'alerting',
    summary: 'Lists alert rules.',
  },
  {
    method: 'post',
    path: '/admin/alerts/rules/{name}/toggle',
    id: 'alerts.toggle',
    access: 'operator',
    plugin: 'alerting',
    summary: 'Turns an alert rule on or off.',
    body: z.strictObject({ enabled: z.boolean().default(true) }),
  },
  {
    method: 'get',
    path: '/admin/jobs/statistics',
    id: 'gateway.jobs',
    access: 'viewer',
    plugin: 'gateway',
    summary: 'Shows how the gateway’s jobs fare.',
    query: z.object({ hours: number(1, 720, 24, 'How far back.') }),
  },
  {
    method: 'get',
    path: '/admin/services/status',
    id: 'gateway.services',
    access: 'viewer',
    plugin: 'gateway',
    summary: 'Shows the gateway’s queues and heartbeats.',
  },
  {
    method: 'get',
    path: '/admin/database/stats',
    id: 'gateway.database',
    access: 'viewer',
    plugin: 'gateway',
    summary: 'Shows the gateway’s tables.',
  },
  {
    method: 'post',
    path: '/admin/maintenance/cleanup',
    id: 'backup.cleanup',
    access: 'admin',
    plugin: 'backup',
    summary: 'Deletes old rows.',
    body: z.strictObject({
      days: z.int().min(1).max(3_650).default(30).describe('Rows older than this.'),
      dry_run: z.boolean().default(false).describe('Count them only.'),
    }),
  },
  {
    method: 'post',
    path: '/admin/backup/create',
    id: 'backup.create',
    access: 'admin',
    plugin: 'backup',
    summary: 'Makes a backup of the database.',
    body: z.strictObject({ type: z.enum(['full', 'schema']).default('full') }),
  },
  {
    method: 'post',
    path: '/admin/performance/profile',
    id: 'profiler.profile',
    access: 'operator',
    plugin: 'profiler',
    summary: 'Profiles for a while.',
    body: z.strictObject({ duration: z.number().min(1).max(600).default(60).describe('Seconds.') }),
  },
  {
    method: 'post',
    path: '/admin/heapdump',
    id: 'heapdump.create',
    access: 'admin',
    plugin: 'profiler',
    summary: 'Takes a heap snapshot.',
  },
  {
    method: 'get',
    path: '/monitoring/alerts',
    id: 'alerts.active',
    access: 'viewer',
    plugin: 'alerting',
    summary: 'Lists active alerts, as the gateway did.',
  },
  {
    method: 'get',
    path: '/monitoring/cache/stats',
    id: 'cache.stats',
    access: 'viewer',
    plugin: 'cache',
    summary: 'Shows the cache’s counts.',
  },
]

/** @param hasPlugin those of a plugin that is there are left to it */
export function pendingRoutes(hasPlugin: (name: string) => boolean) {
  const app = createApi()
  for (const { method, path, id, access, plugin, summary, body, query } of pendingOperations) {
    if (hasPlugin(plugin)) continue
    const names = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name!)
    app.openapi(
      createRoute({
        // Declared by hand, so that a request that is not valid is told so before the plugin is missed.
        ...operation({ id, access, summary }),
        'x-plugin': plugin,
        method,
        path,
        request: {
          ...(names.length > 0 && {
            params: z.object(Object.fromEntries(names.map((name) => [name, z.string().max(128)]))),
          }),
          ...(query !== undefined && { query }),
          ...(body !== undefined && { body: { required: false, content: { 'application/json': { schema: body } } } }),
        },
        responses: { 200: { description: 'What the plugin answers.' } },
      }),
      () => {
        throw adminError('ADMIN_PLUGIN_MISSING', { plugin })
      },
    )
  }
  return app
}
