/** Tasks and threads: what runs off the main thread. Types, and the address of a task. */

/** A typed address of a task file, whose default export is `(input, context) => TaskResult<Out>`. */
export interface Task<In, Out> {
  readonly name: string
  readonly url: URL
  /** Carries the types only; never set. */
  readonly types?: [In, Out]
}

/** @param name `plugin.what` @param url `new URL('./tasks/what.ts', import.meta.url)` */
export const task = <In, Out>(name: string, url: URL): Task<In, Out> => ({ name, url })

/** Why a task or a request failed; error classes do not survive the crossing between threads. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The answer of a task. A refusal reaches the caller as WORKER_FAILED with its code in `details.taskCode`. */
export type TaskResult<Out> = { ok: true; value: Out } | ({ ok: false } & Failure)

/** The second argument of a task. */
export interface TaskContext {
  /** Sends a value to `onProgress`, in order; the first 10,000 of a run. */
  progress(value: unknown): void
}

/** @deprecated `task` */
export const job = task
/** @deprecated `Task` */
export type Job<In, Out> = Task<In, Out>
/** @deprecated `TaskResult` */
export type JobResult<Out> = TaskResult<Out>

export interface RunOptions {
  /** Limit of the run time, in milliseconds; the time in the queue is not counted. @default 30_000 */
  readonly timeoutMs?: number
  /** Ends the task, waiting or running; `run` rejects with its reason. */
  readonly signal?: AbortSignal
  readonly transfer?: readonly ArrayBuffer[]
  /**
   * Batch tasks leave one thread free for interactive tasks; where the pool has one thread, a batch task starts when no
   * interactive task waits. Each lane has a queue of `workers.maxQueue` tasks. @default 'interactive'
   */
  readonly lane?: 'interactive' | 'batch'
  /** Receives what the task passes to `context.progress`, before `run` resolves. An error ends the task. */
  onProgress?(value: never): void
}

export interface RequestOptions {
  /** Milliseconds to the answer, or the end of a stream. @default 30_000 for a request, none for a stream */
  readonly timeoutMs?: number
  /** Cancels the request in the thread; the request rejects with its reason. */
  readonly signal?: AbortSignal
  readonly transfer?: readonly ArrayBuffer[]
}

/** A long-lived thread of one plugin, restarted with back-off when the thread dies, which is a fault of the plugin. */
export interface DedicatedWorker {
  /**
   * Resolves with the first message of the thread (`serveRequests` and `announceReady` of `arkwatch/worker` send one).
   * Rejects with WORKER_ENDED if the thread dies before; no restart follows, and the plugin is degraded until `stop`.
   */
  readonly ready: Promise<void>
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void
  /**
   * Resolves with the answer of the thread's `serveRequests`.
   * @throws WORKER_FAILED with the thrown code in `details.taskCode`; WORKER_TIMEOUT, WORKER_QUEUE_FULL, WORKER_ENDED
   */
  request<Answer>(message: unknown, options?: RequestOptions): Promise<Answer>
  /**
   * Batches arrive on demand; leaving the loop cancels, as does `return` of the iterator while `next` waits.
   * @throws as `request`, after the items before the error
   */
  stream<Item>(message: unknown, options?: RequestOptions): AsyncIterable<Item>
  /** Requests and streams without their last answer. */
  readonly pending: number
  /** How often the thread was restarted. */
  readonly restarts: number
  stop(): Promise<void>
}

export interface DedicatedOptions {
  readonly workerData?: unknown
  /** Requests and streams at a time. @default 1_000 */
  readonly maxPending?: number
  /** Receives what the thread posts, answers excepted. */
  onMessage?(message: unknown): void
  /** Called after each start, the first included. */
  onStart?(): void
  /** The error of a refused request, or of one that ended with the thread. @default WORKER_FAILED, WORKER_ENDED */
  toError?(failure: Failure): Error
}

export interface Workers {
  /** Runs a task off the main thread. @throws WORKER_TIMEOUT, WORKER_QUEUE_FULL, WORKER_FAILED, `signal.reason` */
  run<In, Out>(task: Task<In, Out>, input: In, options?: RunOptions): Promise<Out>
  /** @param name for logs @param url a worker file */
  dedicated(name: string, url: URL, options?: DedicatedOptions): DedicatedWorker
}
