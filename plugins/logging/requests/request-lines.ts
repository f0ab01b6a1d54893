/** The lines about requests: slow ones, with a limit in each window, and the periodic line about the process. */
import { type Clock, type EventLoop, type Logger, QuantileSketch, type Route } from '../../../core/plugin.ts'

const maxLines = 10
const windowMs = 10_000
const round = (value: number) => Math.round(value * 1_000) / 1_000

export class SlowRequests {
  #windowStartMs = Number.NEGATIVE_INFINITY
  #lines = 0
  #suppressed = 0

  constructor(private readonly log: Logger) {}

  /** @param endedMs monotonic milliseconds */
  add(route: Route, status: number, durationMs: number, endedMs: number): void {
    if (endedMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = endedMs
      this.#lines = 0
    }
    if (this.#lines >= maxLines) {
      this.#suppressed += 1
      return
    }
    this.#lines += 1
    const suppressed = this.#suppressed
    this.#suppressed = 0
    this.log.warn('slow request', {
      method: route.method,
      route: route.pattern,
      status,
      durationMs: round(durationMs),
      ...(suppressed > 0 && { suppressed }),
    })
  }
}

/** Request rate, latencies, delay of the event loop, memory. */
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
