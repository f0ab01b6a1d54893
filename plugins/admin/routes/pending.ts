/** Paths of the original gateway whose plugin does not exist yet: declared, guarded, and 501 after validation. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Role } from '../api.ts'
import { operation } from '../api.ts'
import { adminError } from '../errors.ts'
import { createApi } from '../http/compose.ts'
import { number } from '../http/reply.ts'

/** @param plugin will answer the operation @param takes the valid input; other input is 422 already now */
type PendingOperation = readonly [
  at: `${'get' | 'post'} /${string}`,
  id: string,
  access: Role,
  plugin: string,
  summary: string,
  takes?: { readonly body?: z.ZodType; readonly query?: z.ZodObject },
]

const pendingOperations: readonly PendingOperation[] = [
  [
    'get /admin/alerts',
    'alerts.list',
    'viewer',
    'alerting',
    'Lists active alerts.',
    { query: z.object({ history_limit: number(1, 1_000, 50, 'Most resolved alerts.') }) },
  ],
  ['get /admin/alerts/rules', 'alerts.rules', 'viewer', 'alerting', 'Lists alert rules.'],
  [
    'post /admin/alerts/rules/{name}/toggle',
    'alerts.toggle',
    'operator',
    'alerting',
    'Turns an alert rule on or off.',
    { body: z.strictObject({ enabled: z.boolean().default(true) }) },
  ],
  [
    'get /admin/jobs/statistics',
    'gateway.jobs',
    'viewer',
    'gateway',
    'Shows statistics of the gateway’s jobs.',
    { query: z.object({ hours: number(1, 720, 24, 'How far back.') }) },
  ],
  ['get /admin/services/status', 'gateway.services', 'viewer', 'gateway', 'Shows the gateway’s queues and heartbeats.'],
  ['get /admin/database/stats', 'gateway.database', 'viewer', 'gateway', 'Shows the gateway’s tables.'],
  [
    'post /admin/maintenance/cleanup',
    'backup.cleanup',
    'admin',
    'backup',
    'Deletes old rows.',
    {
      body: z.strictObject({
        days: z.int().min(1).max(3_650).default(30).describe('Age in days of the rows that are deleted.'),
        dry_run: z.boolean().default(false).describe('Count the rows only.'),
      }),
    },
  ],
  [
    'post /admin/backup/create',
    'backup.create',
    'admin',
    'backup',
    'Makes a backup of the database.',
    { body: z.strictObject({ type: z.enum(['full', 'schema']).default('full') }) },
  ],
  [
    'post /admin/performance/profile',
    'profiler.profile',
    'operator',
    'profiler',
    'Profiles for a while.',
    { body: z.strictObject({ duration: z.number().min(1).max(600).default(60).describe('Seconds.') }) },
  ],
  ['post /admin/heapdump', 'heapdump.create', 'admin', 'profiler', 'Takes a heap snapshot.'],
  ['get /monitoring/alerts', 'alerts.active', 'viewer', 'alerting', 'Lists active alerts, as the gateway did.'],
  ['get /monitoring/cache/stats', 'cache.stats', 'viewer', 'cache', 'Shows the cache’s counts.'],
]

/** @param hasPlugin whether a plugin is up, which then answers its paths itself */
export function pendingRoutes(hasPlugin: (name: string) => boolean) {
  const app = createApi()
  for (const [at, id, access, plugin, summary, { body, query } = {}] of pendingOperations) {
    if (hasPlugin(plugin)) continue
    const [method, path] = at.split(' ') as ['get' | 'post', string]
    const names = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name!)
    app.openapi(
      createRoute({
        // Declared by hand, so that a request that is not valid is 422 before the missing plugin is 501.
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
        responses: { 200: { description: 'The answer of the plugin.' } },
      }),
      () => {
        throw adminError('ADMIN_PLUGIN_MISSING', { plugin })
      },
    )
  }
  return app
}
