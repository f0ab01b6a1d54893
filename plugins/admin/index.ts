/** The admin API: manifest and wiring. */
import { type Context, Hono } from 'hono'
import { definePlugin, Runtime } from '../../core/plugin.ts'
import { Audit } from '../audit/api.ts'
import { Health } from '../health/api.ts'
import { Host } from '../host/api.ts'
import { Logging } from '../logging/api.ts'
import { collector, jsonView, Metrics } from '../metrics/api.ts'
import { Store } from '../store/api.ts'
import { adminPages, adminRoutes, eventTopic } from './api.ts'
import { adminCollector } from './collect.ts'
import { adminCommands } from './commands.ts'
import { AdminConfig } from './config.ts'
import { AdminInstance, type Inherited } from './engine.ts'
import { publicListenerProblem } from './http/public-listener.ts'

const publicPaths = ['/admin', '/admin/*', '/monitoring/*']

export default definePlugin({
  api: 1,
  name: 'admin',
  version: '1.0.0',
  summary: 'Operates the running Arkwatch over HTTP: keys and roles, plugins, configuration, jobs, records.',
  config: AdminConfig,
  needs: { runtime: Runtime, store: Store, audit: Audit },
  implies: { host: {} },
  wants: { health: Health, host: Host, logging: Logging, metrics: Metrics },
  conflicts: (config, { server }) => publicListenerProblem(config, server),
  listens: ({ listen }) => (listen ? [{ path: ['listen'], ...listen, shared: true }] : []),
  offers: ({ listen }) => ({ routes: listen ? [] : publicPaths }),
  setup({ config, needs, wants, extensions, clock, log, report, dataDir, signal, inherited }) {
    const instance = new AdminInstance({
      config,
      ...needs,
      health: wants.health,
      host: wants.host,
      logging: wants.logging,
      metrics: wants.metrics,
      contributed: { routes: extensions(adminRoutes), pages: extensions(adminPages), topics: extensions(eventTopic) },
      clock,
      log,
      report,
      dataDir,
      signal,
      inherited: inherited as Inherited | undefined,
    })
    const routes = new Hono()
    const answer = (c: Context) => instance.server.fetch(c.req.raw, c.env)
    for (const path of publicPaths) routes.all(path, answer)
    return {
      ...(config.listen === undefined && { routes }),
      contributes: [
        collector(adminCollector(instance)),
        jsonView({ render: () => instance.latestMetrics() }),
        ...adminCommands(() => instance.keyring, instance.jobs, clock.now),
      ],
      start: () => instance.start(),
      ready: () => instance.server.open(),
      handover: () => ({ state: instance.inherited, resume: () => instance.resume() }),
      stop: (reason) => instance.stop(reason),
    }
  },
})
