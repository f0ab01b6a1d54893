/** The thread's side of `DedicatedWorker`: answers requests and streams, a batch for each turn. */
import type { MessagePort } from 'node:worker_threads'
import { coreError, messageOf } from '../contract/errors.ts'
import { show } from '../contract/redact/redactor.ts'
import type { Failure } from '../contract/tasks.ts'

/** Answers, or items of a stream, in one message: the main thread need not take thousands in one turn. */
const batchSize = 256

/** From the main thread. */
export type RequestFrame = { readonly frame: 'arkwatch.request'; readonly id: number } & (
  | { readonly kind: 'request' | 'stream'; readonly message: unknown }
  | { readonly kind: 'cancel' }
  /** Asks for the next batch of a stream. */
  | { readonly kind: 'more' }
)

export type Answer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly items: readonly unknown[] }
  | { readonly done: true }
  | { readonly failure: Failure }
)

/** From the thread; without answers it says that the thread has loaded. */
export interface AnswersFrame {
  readonly frame: 'arkwatch.answers'
  readonly answers: readonly Answer[]
}

export const isDetails = (value: unknown): value is NonNullable<Failure['details']> =>
  typeof value === 'object' && value !== null

/**
 * @param value what a thread posted as an answer: anything that can be cloned
 * @param kind of the request; undefined for one that has ended
 */
export function isAnswer(value: unknown, kind: 'request' | 'stream' | undefined): value is Answer {
  if (typeof value !== 'object' || value === null || typeof (value as Partial<Answer>).id !== 'number') return false
  if ('failure' in value) {
    const { code, message, details = {} } = Object(value.failure) as Readonly<Record<string, unknown>>
    return typeof code === 'string' && typeof message === 'string' && isDetails(details)
  }
  if (kind !== 'stream' && 'value' in value) return true
  return kind !== 'request' && ('items' in value ? Array.isArray(value.items) : 'done' in value)
}

export interface RequestContext {
  /** Aborted when the caller cancels, at a time limit, or when the loop over a stream is left. */
  readonly signal: AbortSignal
  /** Transfers buffers of the answer. */
  transfer(...buffers: ArrayBuffer[]): void
}

type Iteration = AsyncIterable<unknown> | Iterable<unknown>

/**
 * Answers one request: with a value, or, for a stream, with something that can be iterated (an array is a value).
 * An error of the handler reaches the caller with its `code`, `message` and `details`.
 */
export type RequestHandler = (message: never, context: RequestContext) => unknown

/** @throws TypeError for what is not a port */
function checkPort(port: unknown, caller: string): void {
  if (typeof (port as Partial<MessagePort> | null | undefined)?.postMessage === 'function') return
  const seen = port === undefined ? 'missing' : show(port)
  const why = port === null ? ', which is null outside of a thread' : ''
  throw new TypeError(`${caller}: the first parameter is ${seen}: pass parentPort of node:worker_threads${why}`)
}

/** Says that the thread is ready, for a thread that only receives. @param port its `parentPort` */
export function announceReady(port: Pick<MessagePort, 'postMessage'>): void {
  checkPort(port, 'announceReady')
  port.postMessage({ frame: 'arkwatch.answers', answers: [] } satisfies AnswersFrame)
}

/** What failed, for errors: the task, or the work of a dedicated thread. */
export interface WorkName {
  readonly work: string
  readonly task?: string
  readonly worker?: string
}

/** The error of a failure, for the main thread. The code `ERROR` says that the thrown error had none. */
export const workError = (name: WorkName, { code: taskCode, message, details: taskDetails }: Failure) => {
  const reason = taskCode === 'ERROR' ? message : `${message} (${taskCode})`
  return coreError('WORKER_FAILED', { ...name, reason, taskCode, taskDetails })
}

/** @returns a copy of a field of a thrown value; undefined for one that cannot be read or cloned */
function fieldOf(thrown: unknown, name: keyof Failure): unknown {
  try {
    return structuredClone(Object(thrown)[name])
  } catch {
    return undefined
  }
}

/** The failure of any thrown value, also of an unreadable one. Details that cannot be cloned are left out. */
export function failureOf(thrown: unknown): Failure {
  const [code, details] = [fieldOf(thrown, 'code'), fieldOf(thrown, 'details')]
  const failure = { code: typeof code === 'string' ? code : 'ERROR', message: messageOf(thrown) }
  return isDetails(details) ? { ...failure, details } : failure
}

const isIteration = (value: unknown): value is Iteration =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !(value instanceof Map || value instanceof Set) &&
  (Symbol.asyncIterator in value || Symbol.iterator in value)

interface Outgoing {
  readonly answer: Answer
  readonly buffers: ArrayBuffer[]
}

interface Running {
  readonly controller: AbortController
  /** What the next answer transfers. */
  readonly buffers: ArrayBuffer[]
  /** Sends the next batch of a stream. */
  more(): void
}

/** Answers the requests of the main thread, and reports that the thread is ready. @param port its `parentPort` */
export function serveRequests(port: MessagePort, handler: RequestHandler): void {
  checkPort(port, 'serveRequests')
  if (typeof handler !== 'function')
    throw new TypeError('serveRequests: the second parameter must be the function that answers')
  const running = new Map<number, Running>()
  const waiting: Outgoing[] = []
  const post = (batch: readonly Outgoing[]): void => {
    const frame: AnswersFrame = { frame: 'arkwatch.answers', answers: batch.map(({ answer }) => answer) }
    const [first] = frame.answers
    const transferred = batch.flatMap(({ buffers }) => buffers)
    try {
      port.postMessage(frame, transferred)
    } catch (thrown) {
      // An answer or an item cannot be cloned: the others are sent without it, of a stream those before it.
      if (batch.length > 1) for (const one of batch) post([one])
      else if ('items' in first! && first.items.length > 1)
        for (const item of first.items) post([{ answer: { id: first.id, items: [item] }, buffers: [] }])
      else {
        const { id } = first!
        running.get(id)?.controller.abort()
        const message = `its answer cannot be sent: ${messageOf(thrown)}`
        post([{ answer: { id, failure: { code: 'ERROR', message } }, buffers: [] }])
      }
    }
  }
  const flush = () => {
    post(waiting.splice(0, batchSize))
    if (waiting.length > 0) setImmediate(flush)
  }
  const send = (answer: Answer, { buffers }: Running) => {
    if (waiting.push({ answer, buffers: buffers.splice(0) }) === 1) setImmediate(flush)
  }

  /** Sends the items that have come whenever the main thread wants more, and no further than a batch ahead. */
  async function stream(id: number, iteration: Iteration, one: Running): Promise<void> {
    const { signal } = one.controller
    let items: unknown[] = []
    let wanted = true
    let sent = Promise.withResolvers<void>()
    const sendItems = () => {
      if (!wanted || items.length === 0) return
      send({ id, items }, one)
      items = []
      wanted = false
      sent.resolve()
      sent = Promise.withResolvers()
    }
    one.more = () => {
      wanted = true
      sendItems()
    }
    const iterator = Symbol.asyncIterator in iteration ? iteration[Symbol.asyncIterator]() : undefined
    let ended: Promise<unknown> | undefined
    /** Calls `return` of the iterator once: at the abort, also while it waits for an item, or as the loop is left. */
    const end = async () => {
      ended ??= Promise.try(() => iterator?.return?.())
      await ended
      return { done: true as const, value: undefined }
    }
    signal.addEventListener('abort', () => {
      sent.resolve()
      // What the end throws has no receiver.
      end().catch(() => {})
    })
    const source = iterator && { next: () => iterator.next(), return: end }
    try {
      for await (const item of source ? { [Symbol.asyncIterator]: () => source } : iteration) {
        if (signal.aborted) return
        if (items.push(item) === 1) setImmediate(sendItems)
        if (items.length >= batchSize) await sent.promise
        if (signal.aborted) return
      }
    } finally {
      if (items.length > 0) send({ id, items }, one)
    }
    send({ id, done: true }, one)
  }

  async function serve({ id, kind, message }: Extract<RequestFrame, { readonly message: unknown }>): Promise<void> {
    const one: Running = { controller: new AbortController(), buffers: [], more() {} }
    const { signal } = one.controller
    const transfer = (...buffers: ArrayBuffer[]) => void one.buffers.push(...buffers)
    running.set(id, one)
    try {
      const value = await handler(message as never, { signal, transfer })
      const isStream = isIteration(value)
      if (isStream !== (kind === 'stream'))
        throw new Error(`it answered with a ${isStream ? 'stream: call stream()' : 'value: call request()'}`)
      if (isStream) await stream(id, value, one)
      else if (!signal.aborted) send({ id, value }, one)
    } catch (thrown) {
      if (!signal.aborted) send({ id, failure: failureOf(thrown) }, one)
    } finally {
      running.delete(id)
    }
  }

  port.on('message', (message: RequestFrame | null) => {
    if (message?.frame !== 'arkwatch.request') return
    if ('message' in message) void serve(message)
    else if (message.kind === 'cancel') running.get(message.id)?.controller.abort()
    else running.get(message.id)?.more()
  })
  announceReady(port)
}
