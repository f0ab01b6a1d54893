/** The code of each thread of the pool: imports a task by its address, once, and calls the task. */
import { types } from 'node:util'
import type { MessagePort } from 'node:worker_threads'
import { errorOf, messageOf } from '../contract/errors.ts'
import { show } from '../contract/redact/redactor.ts'
import type { TaskContext, TaskResult } from '../contract/tasks.ts'
import { failureOf, isDetails } from './serve-requests.ts'

type TaskFunction = (input: unknown, context: TaskContext) => unknown

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
    // An error of the parser has a position.
    const [first = cause] = (cause as { errors?: readonly unknown[] } | null)?.errors ?? []
    const { position } = (first ?? {}) as { position?: { file: string; line: number; column: number } | null }
    const where = position ? `${position.file}:${position.line}:${position.column}` : url
    throw new Error(`cannot load ${where}: ${messageOf(first)}`, { cause })
  }
  if (typeof found.default !== 'function') throw new Error(`${url} has no default function`)
  return found.default
}

/** @returns the result as plain data, each field read once @throws for what is not a result */
function plainResult(returned: unknown): TaskResult<unknown> {
  const { ok, value, code, message, details } = Object(returned) as Readonly<Record<string, unknown>>
  if (ok === true) return { ok, value }
  if (ok === false && typeof code === 'string' && typeof message === 'string')
    return { ok, code, message, ...(isDetails(details) && { details }) }
  const seen = returned === undefined ? 'nothing' : show(returned)
  throw new TypeError(`it returned ${seen}: a task returns { ok: true, value } or { ok: false, code, message }`)
}

export default async function run({ url, input, progress }: Assignment): Promise<TaskResult<unknown>> {
  const call = await load(url)
  let sent = 0
  const context: TaskContext = { progress: (value) => void (sent++ < maxProgress && progress?.postMessage(value)) }
  try {
    return plainResult(await call(input, context))
  } catch (thrown) {
    const failure = failureOf(thrown)
    // The fields of an error do not cross between threads, and other values than errors not reliably.
    const isReadable = types.isNativeError(thrown) && errorOf(thrown) === thrown
    if (isReadable && failure.code === 'ERROR') throw thrown
    return { ok: false, ...failure }
  }
}
