import { definePlugin, EventLoop, endStatFsThread } from '../../core/plugin.ts'
import { Host } from './api.ts'
import { HostSection } from './config.ts'
import { HostInstance } from './engine.ts'

export default definePlugin({
  api: 1,
  name: 'host',
  version: '1.0.0',
  summary: 'Reads the host and this process, for metrics and for other plugins.',
  config: HostSection,
  provides: { host: Host },
  needs: { eventLoop: EventLoop },
  holdsState: false,
  setup({ config, needs, clock, workers, contribute }) {
    const instance = new HostInstance({ config, ...needs, clock, workers, contribute })
    return {
      services: { host: instance.service },
      reconfigure: (next) => instance.apply(next),
      stop: endStatFsThread,
    }
  },
})
