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
  setup({ config, dataDir, workers, log, report }) {
    const store = new StoreClient({
      path: join(dataDir, config.file),
      maxBytes: config.maxSize,
      maxQueue: config.maxQueue,
      maintainEveryMs: config.maintainEvery,
      workers,
      log,
      onState: (problem) => (problem === undefined ? report('ok') : report('degraded', problem)),
    })
    return {
      services: { store },
      contributes: [collector(storeCollector(store))],
      start: () => store.start(),
      stop: () => store.stop(),
    }
  },
})
