/** The request hooks of logging: latencies, slow requests, the access log. */
import type { Clock, EventLoop, Logger, RedactOptions, RequestHooks, Runtime, Workers } from '../../../core/plugin.ts'
import { AccessLog } from '../access/access-log.ts'
import { accessLogConfig, type LoggingConfig } from '../config.ts'
import { PerformanceLine, SlowRequests } from './request-lines.ts'

interface RequestWatchOptions {
  readonly log: Logger
  readonly clock: Clock
  readonly workers: Workers
  readonly dataDir: string
  readonly eventLoop: EventLoop | undefined
  readonly runtime: Pick<Runtime, 'flushRequests'> | undefined
}

export class RequestWatch {
  access: AccessLog | undefined
  #slowMs = Number.POSITIVE_INFINITY
  #performanceMs = 0
  #cancel = () => {}
  /** Requests lost by closed access logs. */
  #lost = 0
  readonly #performance: PerformanceLine
  readonly #observe: RequestHooks['observe']

  constructor(private readonly options: RequestWatchOptions) {
    const performance = new PerformanceLine(options.log, options.clock, options.eventLoop)
    const slow = new SlowRequests(options.log)
    this.#performance = performance
    this.#observe = (route, status, durationMs, endedMs) => {
      performance.sketch.add(durationMs)
      if (durationMs >= this.#slowMs) slow.add(route, status, durationMs, endedMs)
      if (this.access?.withText === false) this.access.record(route, status, durationMs, endedMs)
    }
  }

  /** The hooks that a configuration needs: the text of a request is available only while the request ends. */
  hooks(config: LoggingConfig): RequestHooks {
    const observeRequest: RequestHooks['observeRequest'] = (route, status, durationMs, endedMs, request) =>
      this.access?.recordText(route, status, durationMs, endedMs, request)
    const access = accessLogConfig(config)
    const withText = access?.path || access?.requestId
    return { context: config.context, observe: this.#observe, ...(withText && { observeRequest }) }
  }

  async configure(config: LoggingConfig, redact: RedactOptions): Promise<void> {
    this.#slowMs = config.slowRequest === 0 ? Number.POSITIVE_INFINITY : config.slowRequest
    if (config.performanceEvery !== this.#performanceMs) {
      this.#cancel()
      this.#performanceMs = config.performanceEvery
      if (config.performanceEvery > 0) {
        this.#cancel = this.options.clock.every(config.performanceEvery, () => this.#performance.write())
      }
    }
    const wanted = accessLogConfig(config)
    const old = this.access
    if (wanted !== undefined && old?.reconfigure(wanted, redact)) return
    if (wanted === undefined) this.access = undefined
    else {
      const { dataDir, clock, workers } = this.options
      const next = new AccessLog({ config: wanted, dataDir, redact, clock, workers })
      await next.start()
      this.access = next
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

  /** Resolves when the access log has written every request that has ended, or after two seconds. */
  async flush(): Promise<void> {
    this.options.runtime?.flushRequests()
    await this.access?.flush()
  }

  /** The same synchronously, for the last moments of the process. */
  flushSync(): void {
    this.options.runtime?.flushRequests()
    this.access?.flushSync()
  }

  async stop(): Promise<void> {
    this.#cancel()
    await this.access?.stop()
  }
}
