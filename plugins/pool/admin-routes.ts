/** The pools in the admin API. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type AdminEnv, operation } from '../admin/api.ts'
import type { NamedPools } from './pools.ts'

const byPool = <S extends z.ZodType>(description: string, each: S) => ({
  description,
  content: { 'application/json': { schema: z.object({ pools: z.record(z.string(), each) }) } },
})
const counts = z.record(z.string(), z.unknown())

export function poolAdminRoutes(pools: NamedPools) {
  const app = new OpenAPIHono<AdminEnv>()
  const each = <T>(read: (name: string) => T) => Object.fromEntries(pools.names.map((name) => [name, read(name)]))
  app.openapi(
    createRoute({
      ...operation({
        id: 'pool.status',
        access: 'viewer',
        summary: 'Shows how many connections are lent, free and waited for.',
      }),
      method: 'get',
      path: '/',
      responses: { 200: byPool('The pools.', counts) },
    }),
    (c) => c.json({ pools: each((name) => ({ ...pools.get(name).status() })) }, 200),
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'pool.holders',
        access: 'operator',
        summary: 'Shows who holds each connection, since when, and with which statement, without its values.',
      }),
      method: 'get',
      path: '/holders',
      responses: { 200: byPool('The holders, oldest first.', z.array(counts)) },
    }),
    (c) => c.json({ pools: each((name) => [...pools.get(name).holders()] as unknown as Record<string, never>[]) }, 200),
  )
  app.openapi(
    createRoute({
      ...operation({
        id: 'pool.statements',
        access: 'operator',
        summary: 'Shows the most costly shapes of statements.',
      }),
      method: 'get',
      path: '/statements',
      responses: { 200: byPool('The shapes, by time in all.', z.array(counts)) },
    }),
    (c) =>
      c.json(
        {
          pools: each((name) =>
            pools
              .get(name)
              .statements()
              .map((one) => ({ ...one })),
          ),
        },
        200,
      ),
  )
  return app
}
