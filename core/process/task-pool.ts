/** The task pool of the process: one Piscina for all plugins, with a queue for each lane. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../contract/clock.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import { show } from '../contract/redact/redactor.ts'
import type { RunOptions, Task, TaskResult } from '../contract/tasks.ts'
import { checkLimit } from './clock.ts'
import { type WorkName, workError } from './serve-requests.ts'
import type { Assignment } from './worker-entry.ts'

export interface WorkersConfig {
  readonly maxThreads: number
  /**
   * Threads that stay when no task runs. With 0, Piscina starts no thread for the queued tasks when the abort of a task
   * ends the thread. @default 1
   */
  readonly minThreads?: number
  readonly maxQueue: number
}

export interface PoolRunOptions extends RunOptions {
  /** Receives the milliseconds in a thread, at the end of the run. */
  spent?(ms: number): void
  /** Receives what a promise of `onProgress` rejects with after the run. */
  lateFault?(error: unknown): void
}

type Lane = NonNullable<RunOptions['lane']>

const nameOf = (task: string): WorkName => ({ work: `task ${task}`, task })

/** @throws TypeError, TIME_INVALID for what a program without types may give */
function check(task: Partial<Task<unknown, unknown>> | null | undefined, { lane, timeoutMs }: RunOptions): void {
  if (typeof task?.name !== 'string' || !(task.url instanceof URL))
    throw new TypeError(`workers.run got ${show(task)}: the first parameter is made by task(name, url)`)
  if (lane !== undefined && lane !== 'interactive' && lane !== 'batch')
    throw new TypeError(`lane of task ${task.name} is ${show(lane)}: expected "interactive" or "batch"`)
  if (timeoutMs !== undefined) checkLimit(`task ${task.name}`, timeoutMs)
}

export class TaskPool {
  #piscina: Piscina | undefined
  readonly #running = { interactive: 0, batch: 0 }
  /** Functions that start the waiting tasks, in order. */
  readonly #waiting: Record<Lane, Set<() => void>> = { interactive: new Set(), batch: new Set() }

  /** Starts no thread. */
  constructor(
    private readonly config: WorkersConfig,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  #isFree(lane: Lane): boolean {
    const { interactive, batch } = this.#running
    const { maxThreads } = this.config
    return interactive + batch < maxThreads && (lane === 'interactive' || batch < Math.max(1, maxThreads - 1))
  }

  /** Starts the waiting tasks that have a free thread, interactive tasks first. */
  #next(): void {
    for (const lane of ['interactive', 'batch'] as const) {
      for (const start of this.#waiting[lane]) {
        if (!this.#isFree(lane)) break
        this.#waiting[lane].delete(start)
        start()
      }
    }
  }

  async run<In, Out>(task: Task<In, Out>, input: In, options: PoolRunOptions = {}): Promise<Out> {
    check(task, options)
    const { signal, lane = 'interactive' } = options
    signal?.throwIfAborted()
    const waiting = this.#waiting[lane]
    const isFree = this.#isFree(lane)
    if (!isFree && waiting.size >= this.config.maxQueue)
      throw coreError('WORKER_QUEUE_FULL', { ...nameOf(task.name), limit: this.config.maxQueue })
    return new Promise((resolve, reject) => {
      const aborted = () => {
        waiting.delete(start)
        reject(signal?.reason)
      }
      const start = () => {
        signal?.removeEventListener('abort', aborted)
        this.#running[lane] += 1
        const ended = this.#run(task, input, options).finally(() => {
          this.#running[lane] -= 1
          this.#next()
        })
        ended.then(resolve, reject)
      }
      if (isFree) return start()
      signal?.addEventListener('abort', aborted, { once: true })
      waiting.add(start)
    })
  }

  async #run<In, Out>({ name, url }: Task<In, Out>, input: In, options: PoolRunOptions): Promise<Out> {
    const { timeoutMs = 30_000, signal, transfer = [], onProgress, spent, lateFault } = options
    const controller = new AbortController()
    /** Ends the thread when aborted. */
    const ending = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal
    const startedMs = this.clock.monotonic()
    const late = () => controller.abort(coreError('WORKER_TIMEOUT', { ...nameOf(name), timeoutMs }))
    const cancel = this.clock.after(timeoutMs, late)
    const channel = onProgress && new MessageChannel()
    let hasEnded = false
    const failed = (error: unknown) => (hasEnded ? lateFault?.(error) : controller.abort(error))
    const progressed = (value: unknown) => {
      try {
        if (!ending.aborted) Promise.resolve(onProgress?.(value as never)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
    channel?.port1.on('message', progressed)
    let result: TaskResult<Out>
    try {
      const assignment: Assignment = { url: url.href, input, progress: channel?.port2 }
      const transferList = [...transfer, ...(channel ? [channel.port2] : [])] as never
      result = await this.#pool().run(assignment, { signal: ending, transferList })
      // The answer comes through another port and may overtake earlier messages.
      for (;;) {
        const sent = channel && receiveMessageOnPort(channel.port1)
        if (sent === undefined) break
        progressed(sent.message)
      }
    } catch (thrown) {
      if (ending.aborted) throw ending.reason
      throw coreError('WORKER_FAILED', { ...nameOf(name), reason: messageOf(thrown) }, thrown)
    } finally {
      hasEnded = true
      cancel()
      channel?.port1.close()
      spent?.(this.clock.monotonic() - startedMs)
    }
    ending.throwIfAborted()
    if (result.ok) return result.value
    throw workError(nameOf(name), result)
  }

  #pool(): Piscina {
    if (this.#piscina !== undefined) return this.#piscina
    this.#piscina = new Piscina({
      filename: new URL('./worker-entry.ts', import.meta.url).href,
      minThreads: this.config.minThreads ?? 1,
      maxThreads: this.config.maxThreads,
      idleTimeout: 60_000,
      atomics: 'async',
    })
    // Without a listener the error would end the process. Which task left the timer or promise is not known.
    const failed = (error: unknown) =>
      this.log.error('a task left something behind that threw: its thread ended', { error })
    return this.#piscina.on('error', failed)
  }

  async close(): Promise<void> {
    await this.#piscina?.destroy()
  }
}
