/** The delay of the event loop: by how much a timer of core is late. The names are those of the Node client library. */
import type { EventLoop } from '../../../core/plugin.ts'
import type { Source } from './source.ts'

export const eventLoopDelay =
  (eventLoop: Pick<EventLoop, 'delay'>): Source =>
  (batch) => {
    const gauge = (part: string, what: string) =>
      batch.gauge({ name: `nodejs_eventloop_lag_${part}_seconds`, help: `${what} delay of the event loop over 10 s.` })
    const min = gauge('min', 'Least')
    const mean = gauge('mean', 'Mean')
    const p50 = gauge('p50', 'Median')
    const p90 = gauge('p90', '90th percentile of the')
    const p99 = gauge('p99', '99th percentile of the')
    const max = gauge('max', 'Greatest')
    return async () => {
      const delay = eventLoop.delay()
      batch.observe(() => {
        // Before the first reading, no value is known.
        if (delay.maxMs === 0) return
        min.set(delay.minMs / 1000)
        mean.set(delay.meanMs / 1000)
        p50.set(delay.p50Ms / 1000)
        p90.set(delay.p90Ms / 1000)
        p99.set(delay.p99Ms / 1000)
        max.set(delay.maxMs / 1000)
      })
    }
  }
