/** A plugin writes a secret into every name and message that it makes; nothing that leaves the process shows the secret. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { ArkwatchError, controlCommand, definePlugin, messageOf, z } from '../../../../core/plugin.ts'
import { type AdminEnv, adminRoutes, eventTopic, operation } from '../../../../plugins/admin/api.ts'
import { healthCheck } from '../../../../plugins/health/api.ts'
import { collector } from '../../../../plugins/metrics/api.ts'
import { type AdminRuntime, bootAdmin } from '../support.ts'

// Threads are started.
setDefaultTimeout(60_000)

const canary = 'CANARY-41f7'
const foreign = `of postgres://u:${canary}@h/d`
const errors = [{ parameter: foreign, detail: foreign, more: { deep: [foreign] } }]
const thrown: Record<string, () => Error> = {
  http: () => new HTTPException(418, { message: foreign }),
  own: () => new ArkwatchError('ADMIN_INVALID', foreign, foreign, { errors }),
  plain: () => new Error(foreign),
}
const raise = (what: string) => {
  throw thrown[what]!()
}

const summary = 'Shows nothing.'
const route = createRoute({
  method: 'get',
  path: '/{what}',
  ...operation({ id: 'leaky.show', access: 'viewer', summary }),
  request: { params: z.object({ what: z.string() }) },
  responses: { 200: { description: 'Nothing.' } },
})
const leaky = definePlugin({
  ...{ api: 1, name: 'leaky', version: `1.0.0-${foreign}`, summary },
  config: z.strictObject({}),
  setup: ({ log, report, clock }) => ({
    routes: new Hono().get('/leaky/:what', (c) => raise(c.req.param('what'))),
    contributes: [
      collector({ name: foreign, setup: () => () => {} }),
      collector({ name: `bad ${foreign}`, setup: () => () => raise('plain') }),
      controlCommand({ name: `leaky.${foreign}`, run: () => 'ok' }),
      controlCommand({ name: 'leaky.fails', run: () => raise('own') }),
      eventTopic({ name: 'leaky', access: 'viewer', summary, open: () => {} }),
      healthCheck({
        name: 'leaky',
        run: () => ({ status: 'down', message: foreign, details: { [foreign]: foreign } }),
      }),
      adminRoutes({
        path: '/admin/leaky',
        app: () => new OpenAPIHono<AdminEnv>().openapi(route, ({ req }) => raise(req.param('what')) as never),
      }),
    ],
    start() {
      report('degraded', foreign)
      log.child(foreign).warn(foreign, { [foreign]: foreign, error: raise })
      clock.after(1, () => raise('plain'))
    },
  }),
})

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({ plugins: [leaky], config: { plugins: { leaky: {} } } })
  await at.runtime
    .commands()
    .get('logging.level')
    ?.run({ logger: `leaky.${foreign}`, level: 'debug' })
})
afterAll(() => at.stop())

test('in the status, the plan, the configuration, the lines and the commands', async () => {
  const commands = [...at.runtime.commands()]
  const reads = ['status', 'plan', 'config', 'config.changes', 'leaky.fails', ...commands.map(([name]) => name)]
  const answers = await Promise.allSettled(
    reads
      .filter((name) => name.startsWith('leaky') || !/stop|restart|apply|reload|revoke|pause/.test(name))
      .map(async (name) => at.runtime.commands().get(name)!.run({}) as unknown),
  )
  for (const answer of answers)
    expect(
      JSON.stringify(answer.status === 'fulfilled' ? (answer.value ?? null) : messageOf(answer.reason)),
    ).not.toContain(canary)
  expect(JSON.stringify(at.lines.map(({ logger, message }) => [logger, message]))).not.toContain(canary)
})

test('in any answer over HTTP', async () => {
  const { paths } = (await at.get('/admin/openapi.json')) as never as { paths: Record<string, { get?: unknown }> }
  const own = Object.keys(paths).filter((path) => paths[path]!.get !== undefined && !path.includes('{'))
  const named = Object.keys(thrown).flatMap((what) => [`/leaky/${what}`, `/admin/leaky/${what}`])
  const others = ['/metrics', '/health', '/health/comprehensive', '/readyz', '/admin/plugins/leaky']
  for (const path of [...own, ...named, ...others])
    for (const accept of ['*/*', 'application/json', 'text/html']) {
      if (path.endsWith('stream')) continue
      const response = await at.send(path, { headers: { accept } })
      expect([path, [...response.headers].join(), await response.text()].join('\n')).not.toContain(canary)
    }
  expect(own.length).toBeGreaterThan(20)
})
