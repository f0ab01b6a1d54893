/** The store: one SQLite file for all plugins, written by one thread. */
import { join } from 'node:path'
import { definePlugin } from '../../core/plugin.ts'
import { collector } from '../metrics/api.ts'
import { Store } from './api.ts'
import { storeCollector } from './collect.ts'
import { StoreConfig } from './config.ts'
import { StoreClient } from './engine.ts'

export default definePlugin({
  api: 1,
  name: 'store',
  version: '1.0.0',
  summary: 'Keeps what plugins must not lose in one SQLite file.',
  config: StoreConfig,
  provides: { store: Store },
  // The check of a large file takes its time.
  deadlines: { start: 60_000 },
  exclusive: true,
  // All of it is in its files.
  holdsState: false,
  setup({ config, dataDir, workers, clock, log, report }) {
    const { maxSize: maxBytes, maxQueue, maintainEvery: maintainEveryMs } = config
    const onState = (problem?: string) => (problem === undefined ? report('ok') : report('degraded', problem))
    const path = join(dataDir, config.file)
    const store = new StoreClient({ path, maxBytes, maxQueue, maintainEveryMs, workers, clock, log, onState })
    return {
      services: { store },
      contributes: [collector(storeCollector(store))],
      start: () => store.start(),
      stop: () => store.stop(),
    }
  },
})
