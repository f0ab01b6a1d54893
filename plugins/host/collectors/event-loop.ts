/** The delay of the event loop: by how much a timer of core is late. The names are those of the Node client library. */
import type { EventLoop } from '../../../core/plugin.ts'
import type { Source } from './source.ts'

const parts = [
  ['min', 'Least'],
  ['mean', 'Mean'],
  ['p50', 'Median'],
  ['p90', '90th percentile of the'],
  ['p99', '99th percentile of the'],
  ['max', 'Greatest'],
] as const

export const eventLoopDelay =
  (eventLoop: Pick<EventLoop, 'delay'>): Source =>
  (batch) => {
    const gauges = parts.map(([part, what]) => {
      const help = `${what} delay of the event loop over 10 s.`
      return [part, batch.gauge({ name: `nodejs_eventloop_lag_${part}_seconds`, help })] as const
    })
    return async () => {
      const delay = eventLoop.delay()
      batch.observe(() => {
        // Before the first reading, no value is known.
        if (delay.maxMs > 0) for (const [part, gauge] of gauges) gauge.set(delay[`${part}Ms`] / 1000)
      })
    }
  }
