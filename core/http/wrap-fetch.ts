/**
 * The wrapper around an application's `fetch`: the hot path. It allocates nothing for an answer that is at hand, hands on
 * what the application gives (the same promise, the same error), and never touches headers or bodies.
 */

import { type AnyFetch, entryOfAsync, type RouteEntry, type RouteSource } from './route-source.ts'
import { callScoped } from './scoped-call.ts'
import { statusOf, type Traffic } from './traffic.ts'

const isThenable = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** @returns a fetch that ends every request in `traffic`, whatever the application does */
export function wrapFetch(source: RouteSource, traffic: Traffic): AnyFetch {
  const { now } = traffic
  const { application } = source

  const watch = (answer: PromiseLike<unknown>, matched: RouteEntry, startedMs: number, request: Request) => {
    const entry = entryOfAsync(matched, request)
    answer.then(
      (response) => traffic.end(entry, statusOf(response), startedMs, request),
      () => traffic.end(entry, 500, startedMs, request),
    )
  }

  return (request, env, context) => {
    if (traffic.scoped) return callScoped(source, traffic, request, env, context)
    const startedMs = now()
    const outer = source.entry
    traffic.active += 1
    source.armed = true
    source.entry = undefined
    let answer: ReturnType<AnyFetch>
    try {
      const { instead } = source
      answer = instead === undefined ? application(request, env, context) : instead(request, env, context)
    } catch (error) {
      source.armed = false
      traffic.end(source.entry ?? source.resolve(request), 500, startedMs, request)
      source.entry = outer
      throw error
    }
    source.armed = false
    const entry = source.entry ?? source.resolve(request)
    source.entry = outer
    if (answer instanceof Promise) watch(answer, entry, startedMs, request)
    else if (answer instanceof Response) traffic.end(entry, answer.status, startedMs, request)
    else if (isThenable(answer)) watch(answer, entry, startedMs, request)
    else traffic.end(entry, statusOf(answer), startedMs, request)
    return answer
  }
}
