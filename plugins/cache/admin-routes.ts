/** The routes of the cache in the admin API. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type AdminEnv, operation } from '../admin/api.ts'
import type { Cache } from './api.ts'

const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
})
const counts = z.record(z.string(), z.unknown())

/** The keys of the original gateway. */
const original = z.object({
  hits: z.int(),
  misses: z.int(),
  hit_rate: z.number().describe('Percent.'),
  redis_hits: z.int(),
  local_hits: z.int(),
  sets: z.int(),
  deletes: z.int(),
  evictions: z.int(),
  local_cache_size: z.int(),
  redis_memory_usage: z.int().nullable().describe('Bytes; null without Redis.'),
  redis_keyspace_hits: z.int().nullable(),
  redis_keyspace_misses: z.int().nullable(),
})

/** `/monitoring/cache/stats`, with the keys of the original gateway and no others. */
export function cacheStatsRoutes(cache: Cache, now: () => number) {
  const app = new OpenAPIHono<AdminEnv>()
  app.openapi(
    createRoute({
      ...operation({ id: 'cache.stats', access: 'viewer', summary: 'Shows the cache’s counts.' }),
      method: 'get',
      path: '/monitoring/cache/stats',
      responses: { 200: json('The counts.', z.object({ cache_stats: original, timestamp: z.iso.datetime() })) },
    }),
    async (c) =>
      c.json({ cache_stats: original.parse(await cache.fullStats()), timestamp: new Date(now()).toISOString() }, 200),
  )
  return app
}

/** `/admin/cache`: lists, counts and invalidates entries. */
export function cacheAdminRoutes(cache: Cache) {
  const app = new OpenAPIHono<AdminEnv>()
  app.openapi(
    createRoute({
      ...operation({
        id: 'cache.list',
        access: 'operator',
        summary: 'Lists entries of the memory tier, without their values.',
      }),
      method: 'get',
      path: '/',
      request: {
        query: z.object({
          limit: z
            .string()
            .regex(/^\d{1,4}$/, 'expected a whole number from 1 to 1000')
            .transform(Number)
            .pipe(z.number().min(1).max(1_000))
            .default(100)
            .openapi({ type: 'integer', minimum: 1, maximum: 1_000, default: 100, description: 'Entries at most.' }),
        }),
      },
      responses: { 200: json('The entries.', z.object({ entries: z.array(counts) })) },
    }),
    (c) =>
      c.json(
        { entries: cache.list(c.req.valid('query').limit).map((entry) => ({ ...entry, tags: [...entry.tags] })) },
        200,
      ),
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'cache.details',
        access: 'viewer',
        summary: 'Shows all counts and, where `plugins.cache.advice` is on, the estimates and the advice.',
      }),
      method: 'get',
      path: '/stats',
      responses: { 200: json('All counts.', counts) },
    }),
    async (c) => c.json({ ...(await cache.fullStats()) } as Record<string, unknown>, 200),
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'cache.evict',
        access: 'operator',
        summary: 'Invalidates a key, a tag, all keys of a pattern, or all keys.',
      }),
      method: 'post',
      path: '/evict',
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z.union([
                z.strictObject({ key: z.string().min(1).max(1_024) }),
                z.strictObject({ tag: z.string().min(1).max(256) }),
                z.strictObject({ pattern: z.string().min(1).max(256).describe('`*` matches any text.') }),
                z.strictObject({ all: z.literal(true) }),
              ]),
            },
          },
        },
      },
      responses: {
        200: json(
          'The keys were invalidated.',
          z.object({
            evicted: z
              .int()
              .nullable()
              .describe('Entries removed; null for a tag, whose entries are removed when they are next read.'),
          }),
        ),
      },
    }),
    async (c) => {
      const wanted = c.req.valid('json')
      c.var.note.target = JSON.stringify(wanted).slice(0, 200)
      if ('key' in wanted) return c.json({ evicted: (await cache.delete(wanted.key)) ? 1 : 0 }, 200)
      if ('tag' in wanted) {
        await cache.invalidateTag(wanted.tag)
        return c.json({ evicted: null }, 200)
      }
      return c.json({ evicted: await cache.clear('pattern' in wanted ? wanted.pattern : undefined) }, 200)
    },
  )
  return app
}
