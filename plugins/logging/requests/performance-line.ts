/** The periodic log line about the process: request rate, latencies, delay of the event loop, memory. */
import { type Clock, type EventLoop, type Logger, QuantileSketch } from '../../../core/plugin.ts'

const round = (value: number) => Math.round(value * 1_000) / 1_000

export class PerformanceLine {
  sketch = new QuantileSketch()
  #sinceMs: number

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
    private readonly eventLoop: EventLoop | undefined,
  ) {
    this.#sinceMs = clock.monotonic()
  }

  write(): void {
    const nowMs = this.clock.monotonic()
    const seconds = (nowMs - this.#sinceMs) / 1_000
    const { count } = this.sketch
    const delay = this.eventLoop?.delay()
    const { rss, heapUsed } = process.memoryUsage()
    this.log.info('performance', {
      requests: count,
      requestsPerSecond: seconds > 0 ? round(count / seconds) : 0,
      ...(count > 0 && { p50Ms: round(this.sketch.quantile(0.5)), p99Ms: round(this.sketch.quantile(0.99)) }),
      ...(delay && { loopP50Ms: round(delay.p50Ms), loopP99Ms: round(delay.p99Ms), loopMaxMs: round(delay.maxMs) }),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
    })
    this.#sinceMs = nowMs
    this.sketch = new QuantileSketch()
  }
}
