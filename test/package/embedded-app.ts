/** An application that embeds the packed package. The test copies it into an empty folder and runs it there. */
import { arkwatch } from 'arkwatch'
import { Hono } from 'hono'

const app = new Hono()
app.get('/hello/:name', (c) => c.text(`hello ${c.req.param('name')}`))

const ops = await arkwatch({
  config: {
    data: './data',
    plugins: {
      logging: { level: 'error' },
      metrics: {},
      health: {
        checks: { database: { kind: 'postgres', url: 'postgres://nobody:none@127.0.0.1:1/none', every: '1s' } },
        details: 'always',
      },
    },
  },
})
const fetch = ops.wrap(app, { at: '/_ops', expose: ['livez', 'readyz', 'health', 'metrics'] })
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch })
process.once('SIGTERM', async () => {
  await server.stop(true)
  const { hung } = await ops.stop()
  process.exit(hung.length)
})
console.log(String(server.port))
