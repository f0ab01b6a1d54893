/** The code of each thread of the pool: imports a task by its address, once, and calls the task. */
import type { MessagePort } from 'node:worker_threads'
import { messageOf } from '../contract/errors.ts'
import type { TaskContext, TaskResult } from '../contract/tasks.ts'
import { failureOf } from './serve-requests.ts'

type TaskFunction = (input: unknown, context: TaskContext) => TaskResult<unknown> | Promise<TaskResult<unknown>>

export interface Assignment {
  readonly url: string
  readonly input: unknown
  readonly progress: MessagePort | undefined
}

const maxProgress = 10_000

async function load(url: string): Promise<TaskFunction> {
  let found: { default?: TaskFunction }
  try {
    found = await import(url)
  } catch (cause) {
    throw new Error(`cannot load ${url}: ${messageOf(cause)}`, { cause })
  }
  if (typeof found.default !== 'function') throw new Error(`${url} has no default function`)
  return found.default
}

export default async function run({ url, input, progress }: Assignment): Promise<TaskResult<unknown>> {
  const call = await load(url)
  let sent = 0
  const context: TaskContext = {
    progress: (value) => {
      if (sent++ < maxProgress) progress?.postMessage(value)
    },
  }
  try {
    return await call(input, context)
  } catch (thrown) {
    // The fields of an error do not cross between threads.
    if (typeof (thrown as { code?: unknown } | null)?.code !== 'string') throw thrown
    return { ok: false, ...failureOf(thrown) }
  }
}
