/** A runtime with so many series: `bun server.ts SERIES DATA`. Prints the URL of its listener; ends with its stdin. */
import { Hono } from 'hono'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { createRuntime } from '../../../core/runtime.ts'
import { Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'

const [series, data] = process.argv.slice(2)

const many = definePlugin({
  api: 1,
  name: 'many',
  version: '1.0.0',
  summary: 'Has many series.',
  config: z.strictObject({}),
  needs: { metrics: Metrics },
  setup: ({ needs }) => ({
    routes: new Hono().get('/hello', (c) => c.text('hello')),
    start() {
      const labels = ['method', 'route', 'status'] as const
      const counter = needs.metrics.counter({ name: 'many_total', help: 'Many.', labels, maxSeries: 1_000_000 })
      for (let index = 0; index < Number(series); index += 1) {
        counter.inc({ method: 'GET', route: `/route/${index}`, status: '200' }, index)
      }
    },
  }),
})

const runtime = await createRuntime({
  object: { data, server: { port: 0 }, plugins: { metrics: {}, many: {} } },
  env: {},
  catalog: {},
  overlays: [],
  plugins: [metrics as never, many as never],
  cwd: process.cwd(),
})
console.log(runtime.status().listeners[0]!.url)
for await (const _ of Bun.stdin.stream());
await runtime.stop()
