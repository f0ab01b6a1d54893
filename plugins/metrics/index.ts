import { definePlugin, perHolder, Runtime } from '../../core/plugin.ts'
import { collector, jsonView, Metrics } from './api.ts'
import { MetricsConfig } from './config.ts'
import { MetricsInstance } from './engine.ts'
import { ownerPoint } from './holders.ts'

export default definePlugin({
  api: 1,
  name: 'metrics',
  version: '1.0.0',
  summary: 'Collects metrics and exposes them to Prometheus.',
  config: MetricsConfig,
  provides: { metrics: Metrics },
  implies: { host: { host: [], process: ['process'] } },
  needs: { runtime: Runtime },
  listens: ({ listen }) => (listen ? [{ path: ['listen'], ...listen, shared: true }] : []),
  offers: ({ path, listen }) => ({ routes: listen ? [] : [`GET ${path}`] }),
  setup({ config, needs, extensions, clock, log, inherited }) {
    const contributed = extensions(collector)
    const owners = extensions(ownerPoint)
    const views = extensions(jsonView)
    views.onChange(() => {
      const plugins = views.all.map(({ plugin }) => plugin)
      if (plugins.length > 1)
        log.warn('the metrics as JSON are contributed more than once, the newest answers', { plugins })
    })
    const instance = new MetricsInstance({ config, ...needs, clock, log, contributed, owners, views, inherited })
    return {
      services: { metrics: perHolder((holder) => instance.service(holder)) },
      ...instance.requestParts(),
      start: () => instance.start(),
      reconfigure: (next) => instance.reconfigure(next),
      settled: () => instance.settled(),
      handover: () => instance.handover(),
      stop: (reason) => instance.stop(reason),
    }
  },
})
