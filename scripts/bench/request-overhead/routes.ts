/** The two routes that are measured: hello, and one Redis GET with one PostgreSQL SELECT. */
import { Hono } from 'hono'
import type { MakeApp } from './variant.ts'

export type RouteKind = 'hello' | 'realistic'

export interface Routes {
  /** What to request. */
  readonly path: string
  /** Makes applications that are alike. */
  readonly app: MakeApp
  close(): Promise<void>
}

const hello: Routes = {
  path: '/',
  app(before) {
    const app = new Hono()
    before?.(app)
    return app.get('/', (c) => c.text('Hello World')).get('/users/:id', (c) => c.text(c.req.param('id')))
  },
  close: async () => {},
}

async function realistic(): Promise<Routes> {
  const { default: Redis } = await import('ioredis')
  const { default: postgres } = await import('postgres')
  const redis = new Redis(process.env.ARKWATCH_TEST_REDIS_URL ?? '')
  const sql = postgres(process.env.ARKWATCH_TEST_POSTGRES_URL ?? '', { max: 8, onnotice: () => {} })
  const key = `arkwatch-overhead:${process.pid}`
  const table = `arkwatch_overhead_${process.pid}`
  await redis.set(key, 'cached')
  await sql`create table ${sql(table)} as select id, 'user ' || id as name from generate_series(1, 1000) id`
  await sql`create index on ${sql(table)} (id)`
  return {
    path: '/users/7',
    app(before) {
      const app = new Hono()
      before?.(app)
      return app.get('/users/:id', async (c) => {
        const cached = await redis.get(key)
        const [user] = await sql`select id, name from ${sql(table)} where id = ${Number(c.req.param('id'))}`
        return c.json({ cached, user })
      })
    },
    async close() {
      await sql`drop table ${sql(table)}`
      await redis.del(key)
    },
  }
}

export const openRoutes = async (kind: RouteKind): Promise<Routes> => (kind === 'hello' ? hello : realistic())
