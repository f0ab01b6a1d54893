/**
 * A runtime whose every dependency hangs: `bun server.ts HOLE_PORT CUSTOM_CHECKS DATA`. With port 0 it has no checks.
 * Prints the URL of its listener; ends with its stdin.
 */
import { createRuntime } from '../../../core/runtime.ts'
import health from '../../../plugins/health/index.ts'

const [hole, customs, data] = process.argv.slice(2)
const each = { every: '1s', timeout: '1s', critical: true, groups: ['ready'] }
const at = `127.0.0.1:${hole}`
const port = Number(hole)

const checks: Record<string, object> = {
  database: { kind: 'postgres', url: `postgres://u:p@${at}/x`, ...each },
  shop: { kind: 'mysql', url: `mysql://u:p@${at}/x`, ...each },
  cache: { kind: 'redis', url: `redis://${at}`, ...each },
  api: { kind: 'http', url: `http://${at}/`, ...each },
  secure: { kind: 'http', url: `https://${at}/`, ...each },
  certificate: { kind: 'tls', host: '127.0.0.1', port, ...each },
  names: { kind: 'dns', host: 'x.example', server: at, ...each },
}
for (let index = 0; index < Number(customs); index += 1) {
  checks[`api${index}`] = { kind: 'http', url: `http://${at}/${index}`, ...each }
}

const runtime = await createRuntime({
  object: {
    data,
    server: { port: 0 },
    plugins: { health: { checks: port === 0 ? {} : checks, maxConcurrent: 1_000 } },
  },
  env: {},
  catalog: {},
  overlays: [],
  plugins: [health as never],
  cwd: process.cwd(),
})
console.log(runtime.status().listeners[0]!.url)
for await (const _ of Bun.stdin.stream());
await runtime.stop()
