/** The lines for slow requests, with a limit in each window. Pure but for the line. */
import type { Logger, Route } from '../../../core/plugin.ts'

const maxLines = 10
const windowMs = 10_000

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
      durationMs: Math.round(durationMs * 1_000) / 1_000,
      ...(suppressed > 0 && { suppressed }),
    })
  }
}
