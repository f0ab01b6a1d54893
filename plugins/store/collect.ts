import type { Collector } from '../metrics/api.ts'
import type { StoreClient } from './engine.ts'

const numbers = [
  ['gauge', 'sizeBytes', 'size_bytes', 'Size of the SQLite file and the write-ahead log of the store.'],
  ['gauge', 'queued', 'queue_length', 'Requests that wait for the writer thread of the store.'],
  ['counter', 'refused', 'refused_total', 'Requests that the store refused.'],
] as const

export const storeCollector = (store: StoreClient): Collector => ({
  name: 'store',
  setup(metrics) {
    const batch = metrics.batch()
    batch.gauge(
      { name: 'arkwatch_store_up', help: 'Whether the main file of the store can be written: 1 yes, 0 no.' },
      () => (store.state === 'ok' ? 1 : 0),
    )
    for (const [type, field, name, help] of numbers)
      batch[type]({ name: `arkwatch_store_${name}`, help, source: store }, () => store[field])
    return batch.observe
  },
})
