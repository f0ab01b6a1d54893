import { definePlugin, EventLoop, logSink, Runtime } from '../../core/plugin.ts'
import { collector } from '../metrics/api.ts'
import { Logging } from './api.ts'
import { logCommands } from './commands.ts'
import { LoggingConfig, loggingPresets } from './config.ts'
import { LogEngine, redactOptions } from './engine.ts'
import { logCollector } from './event-counters.ts'
import { createLevelControl } from './levels/level-control.ts'
import { createLogger, createRequestLogger } from './loggers.ts'
import { createLossWatch } from './loss-watch.ts'
import { RequestWatch } from './requests/request-watch.ts'
import { sinkNames } from './sinks/sink-set.ts'

const tickMs = 1_000

export default definePlugin({
  api: 1,
  name: 'logging',
  version: '1.0.0',
  summary: 'Writes structured log lines and the access log, without secrets and without blocking.',
  config: LoggingConfig,
  presets: loggingPresets,
  provides: { logging: Logging },
  wants: { eventLoop: EventLoop, runtime: Runtime },
  setup({ config, wants, clock, log, workers, dataDir, report, defer }) {
    const engine = new LogEngine(config, clock, dataDir)
    const requests = new RequestWatch({ log, clock, workers, dataDir, ...wants })
    const levels = createLevelControl(engine.tree, clock, log)
    const dropped = () => ({
      ...Object.fromEntries(sinkNames.map((name) => [name, engine.sinks.dropped(name)])),
      access: requests.dropped,
      tail: engine.tails.dropped,
      encoder: engine.failed,
    })
    const problems = () => [...engine.sinks.problems(), ...requests.problems()]
    const watchLosses = createLossWatch({ problems, dropped, report, log })
    const flushSync = () => {
      engine.sinks.flushSync()
      requests.flushSync()
    }
    const configure = async (next: LoggingConfig) => {
      await engine.configure(next)
      await requests.configure(next, redactOptions(next))
      watchLosses(clock.now())
      return { hooks: requests.hooks(next) }
    }
    const logging: Logging = {
      logger: (name = 'app') => createLogger(engine, clock, name),
      log: (source, name = 'app') => createRequestLogger(engine, clock, source, name),
      setLevel: levels.set,
      levels: () => levels.list(engine.events.loggers()),
      recent: (options) => engine.ring.recent(options),
      tail: (listener, filter) => engine.tails.open(listener, filter),
      flush: async () => void (await Promise.all([engine.sinks.flush(), requests.flush()])),
      flushSync: () => engine.sinks.flushSync(),
    }
    return {
      services: { logging },
      contributes: [
        logSink(engine),
        collector(logCollector({ events: engine.events, dropped, suppressed: () => engine.storm.suppressed })),
        ...logCommands(logging),
      ],
      hooks: requests.hooks(config),
      async start() {
        await configure(config)
        clock.every(tickMs, () => watchLosses(engine.tick()))
        process.on('exit', flushSync)
        defer(() => void process.off('exit', flushSync))
      },
      reconfigure: configure,
      async stop() {
        await requests.stop()
        await engine.stop()
      },
    }
  },
})
