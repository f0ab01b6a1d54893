/** The metrics of the store, as a collector of the metrics plugin. */
import type { Collector } from '../metrics/api.ts'
import type { StoreClient } from './engine.ts'

export const storeCollector = (store: StoreClient): Collector => ({
  name: 'store',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge({ name: 'arkwatch_store_up', help: 'Whether the file of the store can be written.' }, () =>
      store.state === 'ok' ? 1 : 0,
    )
    batch.gauge(
      { name: 'arkwatch_store_size_bytes', help: 'Size of the file of the store and its log.' },
      () => store.sizeBytes,
    )
    batch.gauge({ name: 'arkwatch_store_queue_length', help: 'Requests that wait for the writer.' }, () => store.queued)
    batch.counter(
      { name: 'arkwatch_store_refused_total', help: 'Requests that the store refused.' },
      () => store.refused,
    )
    return batch.observe
  },
})
