/** The metrics of the store, as a collector of the metrics plugin. */
import type { Collector } from '../metrics/api.ts'
import type { StoreClient } from './engine.ts'

export const storeCollector = (store: StoreClient): Collector => ({
  name: 'store',
  setup(metrics) {
    const up = metrics.gauge({ name: 'arkwatch_store_up', help: 'Whether the file of the store can be written.' })
    const bytes = metrics.gauge({
      name: 'arkwatch_store_size_bytes',
      help: 'Size of the file of the store and its log.',
    })
    const queue = metrics.gauge({ name: 'arkwatch_store_queue_length', help: 'Requests that wait for the writer.' })
    const refused = metrics.counter({ name: 'arkwatch_store_refused_total', help: 'Requests that the store refused.' })
    let counted = 0
    return () => {
      up.set({}, store.state === 'ok' ? 1 : 0)
      bytes.set({}, store.sizeBytes)
      queue.set({}, store.queued)
      refused.inc({}, store.refused - counted)
      counted = store.refused
    }
  },
})
