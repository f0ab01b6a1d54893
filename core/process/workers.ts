/** The threads of the process: the pool for tasks, and the supervised threads of plugins. */
import type { Clock } from '../contract/clock.ts'
import type { Logger } from '../contract/logger.ts'
import type { DedicatedWorker, Task, Workers } from '../contract/tasks.ts'
import { type SupervisedOptions, startDedicated } from './dedicated-worker.ts'
import { type PoolRunOptions, TaskPool, type WorkersConfig } from './task-pool.ts'

/** The workers as the runtime sees them, which charges each plugin with its tasks and threads. */
export interface RuntimeWorkers extends Workers {
  run<In, Out>(task: Task<In, Out>, input: In, options?: PoolRunOptions): Promise<Out>
  dedicated(name: string, url: URL, options?: SupervisedOptions): DedicatedWorker
  /** Runs a task of core, in a thread that no task of a plugin holds. */
  readonly runOwn: Workers['run']
  close(): Promise<void>
}

/** Starts no thread. */
export function createWorkers(config: WorkersConfig, clock: Clock, log: Logger): RuntimeWorkers {
  const pool = new TaskPool(config, clock, log)
  const own = new TaskPool({ ...config, maxThreads: 1, minThreads: 0 }, clock, log)
  return {
    run: (task, input, options) => pool.run(task, input, options),
    dedicated: (name, url, options = {}) => startDedicated(name, url, options, clock, log),
    runOwn: (task, input, options) => own.run(task, input, options),
    close: async () => void (await Promise.all([pool.close(), own.close()])),
  }
}
