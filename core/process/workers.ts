/** The one worker pool of the process (Piscina), and supervised long-lived threads. */
import { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Clock } from '../contract/clock.ts'

import { coreError, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { DedicatedOptions, DedicatedWorker, Job, JobResult, RunOptions, Workers } from '../contract/tasks.ts'

export interface WorkersConfig {
  readonly maxThreads: number
  readonly maxQueue: number
}

const restartDelaysMs = [100, 1_000, 5_000, 30_000]

function dedicated(name: string, url: URL, options: DedicatedOptions, clock: Clock, log: Logger): DedicatedWorker {
  let worker: Worker
  let restarts = 0
  let stopped = false
  let cancel = () => {}
  const start = () => {
    worker = new Worker(url, { name, workerData: options.workerData })
    worker.on('message', (message) => options.onMessage?.(message))
    worker.on('error', (error) => log.error('worker thread failed', { worker: name, error }))
    worker.on('exit', (code) => {
      if (stopped) return
      const delayMs = restartDelaysMs[Math.min(restarts, restartDelaysMs.length - 1)]!
      restarts += 1
      log.warn('worker thread ended and will be started again', { worker: name, exitCode: code, delayMs, restarts })
      cancel = clock.after(delayMs, start)
    })
    worker.unref()
    options.onStart?.()
  }
  start()
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as never),
    get restarts() {
      return restarts
    },
    async stop() {
      stopped = true
      cancel()
      await worker.terminate()
    },
  }
}

/** @param config threads and queue @returns the workers; the pool's threads start with the first job */
export function createWorkers(config: WorkersConfig, clock: Clock, log: Logger): Workers & { close(): Promise<void> } {
  let pool: Piscina | undefined
  // Piscina's own maxQueue lets through what it has set aside while no thread is free.
  let underWay = 0
  const open = () => {
    pool ??= new Piscina({
      filename: new URL('./worker-entry.ts', import.meta.url).href,
      // With none, what waits is forgotten when the thread that ran before it is ended by a timeout.
      minThreads: 1,
      maxThreads: config.maxThreads,
      idleTimeout: 60_000,
      atomics: 'async',
    })
    return pool
  }
  return {
    async run<In, Out>(job: Job<In, Out>, input: In, { timeoutMs = 30_000, signal, transfer = [] }: RunOptions = {}) {
      const timeout = AbortSignal.timeout(timeoutMs)
      const task = { url: job.url.href, input }
      let result: JobResult<Out>
      if (underWay >= config.maxThreads + config.maxQueue) {
        throw coreError('WORKER_QUEUE_FULL', { job: job.name, limit: config.maxQueue })
      }
      underWay += 1
      try {
        result = await open().run(task, {
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
          transferList: [...transfer] as never,
        })
      } catch (thrown) {
        if (timeout.aborted) throw coreError('WORKER_TIMEOUT', { job: job.name, timeoutMs }, thrown)
        throw coreError('WORKER_FAILED', { job: job.name, reason: messageOf(thrown) }, thrown)
      } finally {
        underWay -= 1
      }
      if (result.ok) return result.value
      throw coreError('WORKER_FAILED', { job: job.name, reason: result.message, jobCode: result.code })
    },
    dedicated: (name, url, options = {}) => dedicated(name, url, options, clock, log),
    async close() {
      await pool?.destroy()
    },
  }
}
