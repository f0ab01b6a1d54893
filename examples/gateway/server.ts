/** A small ArkRelay Gateway that watches itself: what an application does with pool, cache, metrics and logs. */
import { arkwatch } from 'arkwatch'
import { createApp } from './app.ts'
import { createGateway } from './gateway.ts'

const ops = await arkwatch({ config: process.env.GATEWAY_CONFIG ?? `${import.meta.dir}/config.yaml` })
const gateway = createGateway(ops)
await gateway.db.query(await Bun.file(`${import.meta.dir}/schema.sql`).text())

const server = Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  fetch: ops.wrap(createApp(gateway), { at: '/_ops', expose: ['livez', 'readyz', 'health'] }),
})
console.log(`gateway on ${server.url}`)

// Readiness fails, the load balancer notices, requests under way end, then the plugins stop.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    const { hung } = await ops.stop({ drain: () => server.stop() })
    process.exit(hung.length > 0 ? 75 : 0)
  })
}
