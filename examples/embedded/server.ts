/** A Hono application that watches itself. */
import { arkwatch } from 'arkwatch'
import { Hono } from 'hono'

const ops = await arkwatch({ config: `${import.meta.dir}/config.yaml` })
const app = new Hono()
app.get('/', (c) => c.text('Hello World'))
app.get('/users/:id', (c) => {
  ops.log(c).info('user looked up', { user: c.req.param('id') })
  return c.json({ id: c.req.param('id') })
})

const port = Number(process.env.PORT ?? 3000)
const server = Bun.serve({ port, fetch: ops.wrap(app, { at: '/_ops', expose: ['livez', 'readyz'] }) })
console.log(`application on ${server.url}`)

process.once('SIGTERM', () => ops.stop({ drain: () => server.stop() }))
