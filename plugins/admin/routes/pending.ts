/** Paths of the original gateway whose plugin does not exist yet: declared, guarded, and 501 after validation. */
import { createRoute, z } from '@hono/zod-openapi'
import { operation, type Role } from '../api.ts'
import { adminError } from '../errors.ts'
import { createApi } from '../http/compose.ts'
import { number } from '../http/reply.ts'

type PendingOperation = readonly [
  at: `${'get' | 'post'} /${string}`,
  id: string,
  access: Role,
  summary: string,
  takes?: { readonly body?: z.ZodType; readonly query?: z.ZodObject },
]

const history = { query: z.object({ history_limit: number(1, 1_000, 50, 'Most resolved alerts.') }) }
const toggle = { body: z.strictObject({ enabled: z.boolean().default(true) }) }
const hours = { query: z.object({ hours: number(1, 720, 24, 'How far back.') }) }
const cleanup = {
  body: z.strictObject({
    days: z.int().min(1).max(3_650).default(30).describe('Age in days of the rows that are deleted.'),
    dry_run: z.boolean().default(false).describe('Count the rows only.'),
  }),
}
const backup = { body: z.strictObject({ type: z.enum(['full', 'schema']).default('full') }) }
const profile = { body: z.strictObject({ duration: z.number().min(1).max(600).default(60).describe('Seconds.') }) }

/** By the plugin that will answer; other input than the operation takes is 422 already now. */
const pendingOperations: Readonly<Record<string, readonly PendingOperation[]>> = {
  alerting: [
    ['get /admin/alerts', 'alerts.list', 'viewer', 'Lists active alerts.', history],
    ['get /admin/alerts/rules', 'alerts.rules', 'viewer', 'Lists alert rules.'],
    ['post /admin/alerts/rules/{name}/toggle', 'alerts.toggle', 'operator', 'Turns an alert rule on or off.', toggle],
    ['get /monitoring/alerts', 'alerts.active', 'viewer', 'Lists active alerts, as the gateway did.'],
  ],
  gateway: [
    ['get /admin/jobs/statistics', 'gateway.jobs', 'viewer', 'Shows statistics of the gateway’s jobs.', hours],
    ['get /admin/services/status', 'gateway.services', 'viewer', 'Shows the gateway’s queues and heartbeats.'],
    ['get /admin/database/stats', 'gateway.database', 'viewer', 'Shows the gateway’s tables.'],
  ],
  backup: [
    ['post /admin/maintenance/cleanup', 'backup.cleanup', 'admin', 'Deletes old rows.', cleanup],
    ['post /admin/backup/create', 'backup.create', 'admin', 'Makes a backup of the database.', backup],
  ],
  profiler: [
    ['post /admin/performance/profile', 'profiler.profile', 'operator', 'Profiles for a while.', profile],
    ['post /admin/heapdump', 'heapdump.create', 'admin', 'Takes a heap snapshot.'],
  ],
  cache: [['get /monitoring/cache/stats', 'cache.stats', 'viewer', 'Shows the cache’s counts.']],
}

/** @param hasPlugin whether a plugin is up, which then answers its paths itself */
export function pendingRoutes(hasPlugin: (name: string) => boolean) {
  const app = createApi()
  const missing = Object.entries(pendingOperations).filter(([plugin]) => !hasPlugin(plugin))
  for (const [plugin, operations] of missing) {
    for (const [at, id, access, summary, { body, query } = {}] of operations) {
      const [method, path] = at.split(' ') as ['get' | 'post', string]
      const names = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => [name!, z.string().max(128)] as const)
      const request = {
        ...(names.length > 0 && { params: z.object(Object.fromEntries(names)) }),
        ...(query !== undefined && { query }),
        ...(body !== undefined && { body: { required: false, content: { 'application/json': { schema: body } } } }),
      }
      // Declared by hand, so that a request that is not valid is 422 before the missing plugin is 501.
      const declared = { ...operation({ id, access, summary }), 'x-plugin': plugin, method, path, request }
      const responses = { 200: { description: 'The answer of the plugin.' } }
      app.openapi(createRoute({ ...declared, responses }), () => {
        throw adminError('ADMIN_PLUGIN_MISSING', { plugin })
      })
    }
  }
  return app
}
