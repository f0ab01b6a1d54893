/** Tasks and threads: what runs off the main thread. Types, and the address of a task. */

/** A typed address of a job file, whose default export is `(input) => JobResult<Out>`, pure. */
export interface Job<In, Out> {
  readonly name: string
  readonly url: URL
  /** Carries the types only; never set. */
  readonly types?: [In, Out]
}

/** @param name `plugin.what` @param url `new URL('./jobs/what.ts', import.meta.url)` */
export const job = <In, Out>(name: string, url: URL): Job<In, Out> => ({ name, url })

/** What a job file answers with; error classes do not survive the crossing. */
export type JobResult<Out> = { ok: true; value: Out } | { ok: false; code: string; message: string }

export interface RunOptions {
  /** @default 30_000 */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly transfer?: readonly ArrayBuffer[]
}

/** A long-lived thread of its own, started again when it dies. */
export interface DedicatedWorker {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void
  /** How often it had to be started again. */
  readonly restarts: number
  stop(): Promise<void>
}

export interface DedicatedOptions {
  readonly workerData?: unknown
  onMessage?(message: unknown): void
  /** After each start, the first too. */
  onStart?(): void
}

export interface Workers {
  /** Runs a job off the main thread. @throws WORKER_TIMEOUT, WORKER_QUEUE_FULL, WORKER_FAILED */
  run<In, Out>(job: Job<In, Out>, input: In, options?: RunOptions): Promise<Out>
  /** @param name for logs @param url a worker file */
  dedicated(name: string, url: URL, options?: DedicatedOptions): DedicatedWorker
}
