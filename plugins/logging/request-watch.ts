/** What logging does for each request: latencies, slow requests, the access log. The hook that core calls. */
import type { Clock } from '../../core/clock.ts'
import type { EventLoop } from '../../core/event-loop.ts'
import type { Logger } from '../../core/log.ts'
import type { RequestHooks } from '../../core/request.ts'
import type { Workers } from '../../core/workers.ts'
import { AccessLog } from './access/access-log.ts'
import { accessLogConfig, type LoggingConfig } from './config.ts'
import { PerformanceLine } from './performance-line.ts'
import type { RedactOptions } from './redact.ts'
import { SlowRequests } from './slow-requests.ts'

export interface RequestWatchOptions {
  readonly log: Logger
  readonly clock: Clock
  readonly workers: Workers
  readonly dataDir: string
  readonly eventLoop: EventLoop | undefined
}

export class RequestWatch {
  /** Mutable in place: core reads it again with each generation. */
  readonly hooks: RequestHooks & { context: boolean }
  access: AccessLog | undefined
  #slowMs = Number.POSITIVE_INFINITY
  #performanceMs = 0
  #cancel = () => {}
  /** Requests lost by access logs that are gone. */
  #lost = 0
  readonly #performance: PerformanceLine

  constructor(private readonly options: RequestWatchOptions) {
    const performance = new PerformanceLine(options.log, options.clock, options.eventLoop)
    const { sketch } = performance
    const slow = new SlowRequests(options.log)
    this.#performance = performance
    this.hooks = {
      context: false,
      observe: (route, status, durationMs, endedMs, request) => {
        sketch.observe(durationMs)
        if (durationMs >= this.#slowMs) slow.add(route, status, durationMs, endedMs)
        this.access?.record(route, status, durationMs, endedMs, request)
      },
    }
  }

  async configure(config: LoggingConfig, redact: RedactOptions): Promise<void> {
    this.hooks.context = config.context
    this.#slowMs = config.slowRequest === 0 ? Number.POSITIVE_INFINITY : config.slowRequest
    if (config.performanceEvery !== this.#performanceMs) {
      this.#cancel()
      this.#performanceMs = config.performanceEvery
      if (config.performanceEvery > 0) {
        this.#cancel = this.options.clock.every(config.performanceEvery, () => this.#performance.write())
      }
    }
    await this.#configureAccess(config, redact)
  }

  async #configureAccess(config: LoggingConfig, redact: RedactOptions): Promise<void> {
    const wanted = accessLogConfig(config)
    const old = this.access
    if (wanted !== undefined && old?.reconfigure(wanted, redact)) return
    if (wanted === undefined) this.access = undefined
    else {
      const { dataDir, clock, workers } = this.options
      this.access = new AccessLog({ config: wanted, dataDir, redact, clock, workers })
      this.access.start()
    }
    await old?.stop()
    this.#lost += old?.dropped ?? 0
  }

  /** Requests without a line since the beginning. */
  get dropped(): number {
    return this.#lost + (this.access?.dropped ?? 0)
  }

  /** Why the access log cannot write at present. */
  problems(): string[] {
    return this.access?.problem === undefined ? [] : [this.access.problem]
  }

  async stop(): Promise<void> {
    this.#cancel()
    await this.access?.stop()
  }
}
