/** The pools in the admin API. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type Access, type AdminEnv, operation } from '../admin/api.ts'
import { act, type PoolAction, type Shown } from './commands.ts'
import type { NamedPools } from './engine.ts'
import { statusOf } from './pgbouncer.ts'

const record = z.record(z.string(), z.unknown())
const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
})
const byPool = <S extends z.ZodType>(description: string, each: S) =>
  json(description, z.object({ pools: z.record(z.string(), each) }))
const PoolName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/)
  .openapi({ param: { name: 'pool', in: 'path' }, description: 'Name of a pool, `default` the first.' })

const reads = [
  {
    list: 'holders',
    access: 'operator',
    summary: 'Shows who holds each connection, since when, and with which statement, without its values.',
    what: 'The holders, oldest first.',
  },
  {
    list: 'statements',
    access: 'operator',
    summary: 'Shows the most expensive statement fingerprints.',
    what: 'The fingerprints, by total time.',
  },
  {
    list: 'slow',
    access: 'operator',
    summary: 'Shows the latest slow statements, without their values.',
    what: 'The statements, newest first.',
  },
  {
    list: 'routes',
    access: 'viewer',
    summary: 'Shows what requests of each route took of the pool.',
    what: 'The routes, by time held.',
  },
] as const

const PauseBody = z.strictObject({})
const EvictBody = z.strictObject({
  pid: z.int().min(1).max(2_147_483_647).optional().describe('Only the connection of this backend.'),
})
const DrainBody = z.strictObject({
  timeoutMs: z.int().min(0).max(60_000).default(5_000).describe('After this time, lent connections are closed, too.'),
})
const acts = [
  { action: 'pause', access: 'operator', body: PauseBody, summary: 'Lends nothing until it is resumed.' },
  { action: 'resume', access: 'operator', body: PauseBody, summary: 'Lends again.' },
  {
    action: 'evict',
    access: 'operator',
    body: EvictBody,
    summary: 'Renews connections: free ones now, lent ones when they come back.',
  },
  {
    action: 'drain',
    access: 'admin',
    body: DrainBody,
    summary: 'Closes the pool for good when all is back; a restart of the plugin opens it again.',
  },
] as const satisfies readonly { action: PoolAction; access: Access; body: z.ZodType; summary: string }[]

export function poolAdminRoutes(pools: NamedPools) {
  const app = new OpenAPIHono<AdminEnv>()
  const each = <T>(read: (pool: Shown) => T) => Object.fromEntries(pools.all.map((pool) => [pool.name, read(pool)]))
  app.openapi(
    createRoute({
      ...operation({
        id: 'pool.status',
        access: 'viewer',
        summary: 'Shows how many connections are lent, free and waited for.',
      }),
      method: 'get',
      path: '/',
      responses: { 200: byPool('The pools.', record) },
    }),
    (c) => c.json({ pools: each((pool) => ({ ...statusOf(pool) }) as unknown as Record<string, never>) }, 200),
  )
  for (const { list, what, ...described } of reads)
    app.openapi(
      createRoute({
        ...operation({ ...described, id: `pool.${list}` }),
        method: 'get',
        path: `/${list}`,
        responses: { 200: byPool(what, z.array(record)) },
      }),
      (c) =>
        c.json(
          { pools: each((pool) => pool[list]().map((one) => ({ ...one }) as unknown as Record<string, never>)) },
          200,
        ),
    )
  app.openapi(
    createRoute({
      ...operation({
        id: 'pool.explain',
        access: 'admin',
        summary: 'Shows the generic plan of a statement that the pool ran, without values; the statement is not run.',
        sensitive: true,
        errors: [404, 409, 503],
      }),
      method: 'get',
      path: '/{pool}/statements/{fingerprint}/plan',
      request: {
        params: z.object({
          pool: PoolName,
          fingerprint: z
            .string()
            .regex(/^[0-9a-f]{16}$/)
            .openapi({
              param: { name: 'fingerprint', in: 'path' },
              description: 'As `GET /admin/pool/statements` gives it.',
            }),
        }),
      },
      responses: { 200: json('The plan, as EXPLAIN (FORMAT JSON) gives it.', z.object({ plan: z.unknown() })) },
    }),
    async (c) => {
      const { pool, fingerprint } = c.req.valid('param')
      c.var.note.target = `${pool} ${fingerprint}`
      return c.json({ plan: await pools.get(pool).explainStatement(fingerprint) }, 200)
    },
  )
  for (const { action, body, ...described } of acts)
    app.openapi(
      createRoute({
        ...operation({ ...described, id: `pool.${action}`, errors: [404, 409, 503] }),
        method: 'post',
        path: `/{pool}/${action}`,
        request: {
          params: z.object({ pool: PoolName }),
          body: {
            required: true,
            content: { 'application/json': { schema: body as z.ZodType<Record<string, number>> } },
          },
        },
        responses: { 200: json('It was done.', z.object({ pool: z.string(), status: record }).loose()) },
      }),
      async (c) => {
        const { pool } = c.req.valid('param')
        c.var.note.target = pool
        const done = await act(pools, action, pool, c.req.valid('json') as Record<string, number>)
        return c.json({ ...done, status: { ...done.status } }, 200)
      },
    )
  return app
}
