/** The main thread's side of the watchdog: starts and stops its worker and counts the reported stalls. */
import type { DedicatedWorker, EventLoop, Logger, Workers } from '../../../core/plugin.ts'
import type { WatchdogConfig } from '../config.ts'
import { healthError } from '../errors.ts'
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

interface Running {
  readonly config: WatchdogConfig
  readonly worker: DedicatedWorker
  /** Why the worker cannot listen. */
  problem: string | undefined
}

export class Watchdog {
  stalls: StallCounts = { count: 0, seconds: 0 }
  private running: Running | undefined
  /** The worker of the configuration before, until the reload has ended. */
  private left: Running | undefined

  constructor(private readonly options: WatchdogOptions) {}

  /** Starts or stops the worker for a configuration. While its port is in use, the worker tries again. */
  async apply(config: WatchdogConfig): Promise<void> {
    if (Bun.deepEquals(config, this.running?.config)) return
    await this.stop()
    if (config.port !== undefined) this.running = this.open(config)
  }

  /**
   * Replaces the worker by one that listens, or leaves the worker as it is. The old one listens until {@link settled}.
   * @throws HEALTH_WATCHDOG_PORT, WORKER_ENDED where the thread cannot load
   */
  async move(config: WatchdogConfig): Promise<void> {
    const [before, left] = [this.running, this.left]
    if (Bun.deepEquals(config, before?.config)) return
    const isLeft = Bun.deepEquals(config, left?.config)
    if (config.port === undefined || isLeft) return this.exchange(isLeft ? left : undefined)
    // Two workers cannot have one port.
    const isSamePort = before !== undefined && config.port !== 0 && before.config.port === config.port
    if (isSamePort) await this.stop()
    const next = this.open(config)
    try {
      await next.worker.ready
      if (next.problem !== undefined) throw healthError('HEALTH_WATCHDOG_PORT', { problem: next.problem })
    } catch (error) {
      await next.worker.stop()
      if (isSamePort) await this.apply(before.config)
      throw error
    }
    this.exchange(next)
  }

  private exchange(next: Running | undefined): void {
    this.left = this.running
    this.running = next
    this.options.onProblem(next?.problem)
  }

  /** Stops the worker of the configuration that is no longer in force. */
  async settled(): Promise<void> {
    const { left } = this
    this.left = undefined
    await left?.worker.stop()
  }

  /** Resolves when the worker listens or has reported why not. @throws WORKER_ENDED where the thread cannot load */
  async ready(): Promise<void> {
    await this.running?.worker.ready
  }

  async stop(): Promise<void> {
    const { running } = this
    this.running = undefined
    this.options.onProblem(undefined)
    await Promise.all([this.settled(), running?.worker.stop()])
  }

  private open(config: WatchdogConfig): Running {
    const { workers, eventLoop } = this.options
    const { port, host, stuckAfter: stuckAfterMs, reportAfter: reportAfterMs } = config
    const workerData: WatchdogData = { heartbeat: eventLoop.heartbeat, host, port: port!, stuckAfterMs, reportAfterMs }
    const onMessage = (message: unknown) => this.hear(message as WatchdogMessage, opened)
    const url = new URL('./worker.ts', import.meta.url)
    const worker = workers.dedicated('health.watchdog', url, { workerData, onMessage })
    const opened: Running = { config, worker, problem: undefined }
    return opened
  }

  private hear(message: WatchdogMessage, from: Running): void {
    const { log, onProblem } = this.options
    const { host, port } = from.config
    if (message.type === 'recovered') {
      if (from !== this.running) return
      const seconds = message.stuckMs / 1_000
      this.stalls = { count: this.stalls.count + 1, seconds: this.stalls.seconds + seconds }
      log.warn('event loop was stuck', { stuckSeconds: seconds })
      return
    }
    if (message.type === 'listening') {
      from.problem = undefined
      log.info('watchdog listens', { url: message.url })
    } else {
      from.problem = `watchdog cannot listen on ${host}:${port}: ${message.reason}`
      log.warn('watchdog cannot listen', { host, port, reason: message.reason })
    }
    if (from === this.running) onProblem(from.problem)
  }
}
