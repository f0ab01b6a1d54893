/** The plugin health: checks in the background, probes and reports from memory, liveness from a watchdog. */

import { controlCommand, definePlugin, EventLoop, Runtime, rollbackSignals, z } from '../../core/plugin.ts'
import { collector } from '../metrics/api.ts'
import { comprehensive } from './answers/report.ts'
import { healthPaths, healthRoutes } from './answers/routes.ts'
import { Health, healthCheck } from './api.ts'
import { unknownParents } from './checks/dependencies.ts'
import { loadPackage } from './checks/load-package.ts'
import { healthCollector } from './collect.ts'
import { HealthConfig, parentsOf } from './config.ts'
import { HealthControl, type Inherited } from './control.ts'
import { HealthEngine } from './engine.ts'
import { Watchdog } from './watchdog/supervise.ts'

export default definePlugin({
  api: 1,
  name: 'health',
  version: '1.0.0',
  summary: 'Runs checks in the background and answers probes and reports from memory.',
  config: HealthConfig,
  provides: { health: Health },
  conflicts(config, { offered }) {
    const { names, complete } = offered(healthCheck.id)
    return complete ? unknownParents(parentsOf(config), names) : []
  },
  listens: ({ watchdog: { host, port } }) =>
    port === undefined ? [] : [{ path: ['watchdog'], host, port, shared: true }],
  offers: () => ({ routes: healthPaths }),
  needs: { runtime: Runtime, eventLoop: EventLoop },
  setup({ config, needs, clock, log, workers, extensions, report, inherited }) {
    const { runtime, eventLoop } = needs
    const tools = { eventLoop, load: loadPackage, now: clock.now, monotonic: clock.monotonic }
    const kept = inherited as Inherited | undefined
    const isPaused = () => runtime.status().paused
    const engine = new HealthEngine({ clock, log, tools, settings: config, isPaused, ...(kept && { inherited: kept }) })
    const watchdog = new Watchdog({ workers, eventLoop, log, onProblem: (problem) => control.watchdogIs(problem) })
    const contributed = extensions(healthCheck)
    const control = new HealthControl({ config, contributed, engine, watchdog, clock, report })
    const fullReport = () => {
      const settings = { nowMs: clock.now(), details: true, paused: isPaused() }
      return comprehensive({ checks: engine.checks(), off: engine.off(), ...settings })
    }
    const settings = () => control.config
    const version = () => engine.version
    return {
      services: { health: engine },
      contributes: [
        collector(healthCollector(engine, () => watchdog.stalls)),
        controlCommand({ name: 'health', args: z.strictObject({}), run: fullReport }),
        rollbackSignals(() => engine.rollbackSignals()),
      ],
      routes: healthRoutes({ health: engine, runtime, eventLoop, settings, version, clock }),
      start: () => control.start(),
      ready: () => control.ready(),
      reconfigure: (next) => control.reconfigure(next),
      settled: () => watchdog.settled(),
      handover: async () => ({ state: await control.suspend(), resume: () => control.resume() }),
      stop: () => control.suspend().then(() => {}),
    }
  },
})
