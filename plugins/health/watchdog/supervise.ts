/** The main thread's side of the watchdog: starts and stops its worker and counts the reported stalls. */
import type { DedicatedWorker, EventLoop, Logger, Workers } from '../../../core/plugin.ts'
import type { WatchdogConfig } from '../config.ts'
import type { WatchdogData, WatchdogMessage } from './messages.ts'

export interface StallCounts {
  readonly count: number
  readonly seconds: number
}

export interface WatchdogOptions {
  readonly workers: Pick<Workers, 'dedicated'>
  readonly eventLoop: Pick<EventLoop, 'heartbeat'>
  readonly log: Logger
  /** Called when the worker cannot listen, and with undefined when the worker listens. */
  onProblem(problem: string | undefined): void
}

export class Watchdog {
  stalls: StallCounts = { count: 0, seconds: 0 }
  /** The url of the worker's listener, once open. */
  url: string | undefined
  private worker: DedicatedWorker | undefined
  private running = ''

  constructor(private readonly options: WatchdogOptions) {}

  /** Starts or replaces the worker for a configuration; an unchanged worker continues. */
  async apply(config: WatchdogConfig): Promise<void> {
    const wanted = JSON.stringify(config)
    if (this.worker !== undefined && wanted === this.running) return
    await this.stop()
    const { port, host, stuckAfter: stuckAfterMs, reportAfter: reportAfterMs } = config
    if (port === undefined) return
    this.running = wanted
    const workerData: WatchdogData = {
      heartbeat: this.options.eventLoop.heartbeat,
      host,
      port,
      stuckAfterMs,
      reportAfterMs,
    }
    this.worker = this.options.workers.dedicated('health.watchdog', new URL('./worker.ts', import.meta.url), {
      workerData,
      onMessage: (message) => this.hear(message as WatchdogMessage, config),
    })
  }

  /** Resolves when the worker listens or has reported why not. @throws WORKER_ENDED where the thread cannot load */
  async ready(): Promise<void> {
    await this.worker?.ready
  }

  async stop(): Promise<void> {
    const { worker } = this
    this.worker = undefined
    this.url = undefined
    this.options.onProblem(undefined)
    await worker?.stop()
  }

  private hear(message: WatchdogMessage, { host, port }: WatchdogConfig): void {
    if (this.worker === undefined) return
    const { log, onProblem } = this.options
    if (message.type === 'listening') {
      this.url = message.url
      log.info('watchdog listens', { url: message.url })
      onProblem(undefined)
    } else if (message.type === 'listen failed') {
      log.warn('watchdog cannot listen', { host, port, reason: message.reason })
      onProblem(`watchdog cannot listen on ${host}:${port}: ${message.reason}`)
    } else {
      const seconds = message.stuckMs / 1_000
      this.stalls = { count: this.stalls.count + 1, seconds: this.stalls.seconds + seconds }
      log.warn('event loop was stuck', { stuckSeconds: seconds })
    }
  }
}
