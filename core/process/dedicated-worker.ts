/** A supervised thread: restarted with back-off. Requests are answered, cancelled, or rejected with the thread. */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../contract/clock.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import { disown } from '../contract/foreign/calls.ts'
import type { Logger } from '../contract/logger.ts'
import { show } from '../contract/redact/redactor.ts'
import type { DedicatedOptions, DedicatedWorker, Failure, RequestOptions } from '../contract/tasks.ts'
import { checkLimit } from './clock.ts'
import { waitAtMost } from './deadline.ts'
import { type Outcome, readStream } from './read-stream.ts'
import { type Answer, isAnswer, type RequestFrame, workError } from './serve-requests.ts'

const restartDelaysMs = [100, 1_000, 5_000, 30_000]
/** A thread that lived so long restarts with the first delay again. */
const quietMs = 60_000
/** A thread in native code, such as a statement of SQLite, ends when that code returns. */
const terminateMs = 1_000

export interface SupervisedOptions extends DedicatedOptions {
  /** Called with the error of a thread that could not load, or ended. @param isLost whether no restart follows */
  failed?(error: Error, isLost: boolean): void
  stopped?(): void
}

export function startDedicated(name: string, url: URL, options: SupervisedOptions, clock: Clock, log: Logger) {
  const { maxPending = 1_000, toError } = options
  if (!(url instanceof URL))
    throw new TypeError(
      `workers.dedicated got ${show(url)}: the second parameter is new URL('./file.ts', import.meta.url)`,
    )
  const thread = { work: `the thread ${name}`, worker: name }
  const request = { ...thread, work: `a request to the thread ${name}` }
  const failed = (reason: string, cause?: unknown) => coreError('WORKER_FAILED', { ...thread, reason }, cause)
  const pending = new Map<number, { kind: 'request' | 'stream'; settle(answer: Answer | Outcome): void }>()
  const ready = Promise.withResolvers<void>()
  // Prevents an unhandled rejection when nobody awaits `ready`.
  ready.promise.catch(() => {})
  let worker: Worker | undefined
  let isReady = false
  let stopped = false
  let restarts = 0
  let attempts = 0
  let nextId = 1
  let reason = ''
  let stopReason = 'it was stopped'
  let cancelRestart = () => {}

  const errorOf = (failure: Failure): unknown => {
    try {
      if (toError) {
        const error = toError(failure)
        disown(error)
        return error
      }
    } catch (thrown) {
      return thrown
    }
    const { code, message } = failure
    return code === 'WORKER_ENDED' ? coreError(code, { worker: name, reason: message }) : workError(request, failure)
  }
  const ended = (message: string) => errorOf({ code: 'WORKER_ENDED', message })
  const failAll = (message: string) => {
    for (const { settle } of [...pending.values()]) settle({ error: ended(message) })
  }

  /** Of a thread that restarts: the plugin may have changed or transferred the data since. */
  let workerData: unknown
  try {
    workerData = structuredClone(options.workerData)
  } catch (thrown) {
    throw failed(`its workerData cannot be cloned: ${messageOf(thrown)}`, thrown)
  }

  const received = (message: unknown) => {
    isReady = true
    ready.resolve()
    const { frame, answers } = Object(message) as { readonly frame?: unknown; readonly answers?: unknown }
    if (frame !== 'arkwatch.answers') return options.onMessage?.(message)
    let fault: Error | undefined
    for (const answer of Array.isArray(answers) ? answers : [answers]) {
      const waiting = pending.get(answer?.id)
      const isSound = isAnswer(answer, waiting?.kind)
      if (!isSound) fault ??= failed(`it posted ${show(answer)} as an answer: answer by serveRequests`)
      waiting?.settle(isSound ? answer : { error: fault })
    }
    if (fault !== undefined) options.failed?.(fault, false)
  }

  const start = () => {
    const startedMs = clock.monotonic()
    reason = ''
    const started = new Worker(url, { name, workerData })
    worker = started
    started.on('message', received)
    let thrown: unknown
    started.on('error', (error) => {
      thrown = error
      reason = messageOf(error)
    })
    started.on('exit', (exitCode) => {
      worker = undefined
      exited(reason || `it ended with code ${exitCode}`, clock.monotonic() - startedMs >= quietMs, exitCode, thrown)
    })
    started.unref()
    options.onStart?.()
  }

  const exited = (why: string, isQuiet: boolean, exitCode?: number, cause?: unknown) => {
    failAll(stopped ? stopReason : why)
    if (stopped) return
    const isLost = !isReady && !isQuiet
    const hasLoaded = exitCode === 0 && cause === undefined
    if (isLost)
      stopReason = hasLoaded
        ? `${url.pathname} sent no message before its end: call serveRequests or announceReady`
        : `it did not load ${url.pathname}: ${why}`
    const error = coreError('WORKER_ENDED', { worker: name, reason: isLost ? stopReason : why }, cause)
    options.failed?.(error, isLost)
    if (isLost) {
      stopped = true
      ready.reject(error)
      return
    }
    if (isQuiet) attempts = 0
    const delayMs = restartDelaysMs[attempts++] ?? restartDelaysMs.at(-1)!
    restarts += 1
    const fields = { worker: name, exitCode, reason: why, delayMs, restarts }
    log.warn('worker thread ended and will be started again', fields)
    cancelRestart = clock.after(delayMs, () => {
      try {
        start()
      } catch (thrown) {
        exited(`it cannot be started: ${messageOf(thrown)}`, false)
      }
    })
  }

  /** Sends a request and passes its outcomes to `settle`. @returns `close` ends the request and cancels its work */
  const open = (
    kind: 'request' | 'stream',
    message: unknown,
    given: RequestOptions,
    settle: (outcome: Outcome) => void,
  ) => {
    const { signal, timeoutMs = Number.POSITIVE_INFINITY, transfer = [] } = given
    checkLimit(`a request to the thread ${name}`, timeoutMs)
    const id = nextId++
    const send = (frame: RequestFrame, buffers: readonly ArrayBuffer[] = []) =>
      worker?.postMessage(frame, buffers as never)
    const fail = (error: unknown) => {
      close(true)
      settle({ error })
    }
    const aborted = () => fail(signal?.reason)
    const late = () => fail(coreError('WORKER_TIMEOUT', { ...request, timeoutMs }))
    let cancelTimer = () => {}
    const close = (cancel = false) => {
      if (!pending.delete(id)) return
      cancelTimer()
      signal?.removeEventListener('abort', aborted)
      if (cancel) send({ frame: 'arkwatch.request', id, kind: 'cancel' })
    }
    const more = () => send({ frame: 'arkwatch.request', id, kind: 'more' })
    if (signal?.aborted) settle({ error: signal.reason })
    else if (worker === undefined) settle({ error: ended(stopped ? stopReason : 'it is being restarted') })
    else if (pending.size >= maxPending)
      settle({ error: coreError('WORKER_QUEUE_FULL', { ...request, limit: maxPending }) })
    else {
      try {
        send({ frame: 'arkwatch.request', id, kind, message }, transfer)
      } catch (thrown) {
        settle({ error: failed(`the message cannot be sent: ${messageOf(thrown)}`, thrown) })
        return { close, more }
      }
      pending.set(id, {
        kind,
        settle(answer) {
          if (!('items' in answer)) close()
          settle('failure' in answer ? { error: errorOf(answer.failure) } : answer)
        },
      })
      signal?.addEventListener('abort', aborted, { once: true })
      if (timeoutMs !== Number.POSITIVE_INFINITY) cancelTimer = clock.after(timeoutMs, late)
    }
    return { close, more }
  }

  start()
  const dedicated: DedicatedWorker = {
    ready: ready.promise,
    post: (message, transfer = []) => worker?.postMessage(message, transfer as never),
    request: <Value>(message: unknown, { timeoutMs = 30_000, ...request }: RequestOptions = {}) =>
      new Promise<Value>((resolve, reject) => {
        open('request', message, { ...request, timeoutMs }, (outcome) => {
          if ('value' in outcome) resolve(outcome.value as Value)
          else reject('error' in outcome ? outcome.error : undefined)
        })
      }),
    stream: <Item>(message: unknown, request: RequestOptions = {}) =>
      readStream<Item>((settle) => open('stream', message, request, settle)),
    get pending() {
      return pending.size
    },
    get restarts() {
      return restarts
    },
    async stop() {
      stopped = true
      cancelRestart()
      options.stopped?.()
      failAll('it was stopped')
      if (!isReady) ready.reject(ended('it was stopped'))
      const thread = worker
      if (thread === undefined) return
      await waitAtMost(thread.terminate(), terminateMs, clock)
      if (worker === thread)
        log.warn('worker thread does not end: it is in code that cannot be interrupted', { worker: name })
    },
  }
  return dedicated
}
