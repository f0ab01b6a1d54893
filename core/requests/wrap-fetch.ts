/**
 * The wrapper around an application's `fetch`: the hot path. It allocates nothing for an answer that is at hand, hands on
 * what the application gives (the same promise, the same error), and never touches headers or bodies.
 */

import { entryOfAsync, type RouteEntry } from './routes/route-entry.ts'
import type { AnyFetch, RouteSource } from './routes/route-source.ts'
import { isStatus, statusOf, type Traffic } from './traffic.ts'
import { callScoped } from './wrap-scoped.ts'

const isThenable = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function'

type Watch = (answer: PromiseLike<unknown>, matched: RouteEntry, startedMs: number, request: Request) => void

/**
 * All that it uses are parameters: they stand together, and are known to be set.
 * @param application a constant, so that its code is joined with this
 */
const wrapper =
  (source: RouteSource, traffic: Traffic, application: AnyFetch, now: () => number, watch: Watch): AnyFetch =>
  (request, env, context) => {
    if (traffic.special !== undefined && traffic.scoped) return callScoped(source, traffic, request, env, context)
    const startedMs = now()
    const outer = source.entry
    traffic.active += 1
    source.entry = null
    let answer: ReturnType<AnyFetch>
    try {
      const { instead } = source
      answer = instead === undefined ? application(request, env, context) : instead(request, env, context)
    } catch (error) {
      const entry = source.entry ?? source.resolve(request)
      source.entry = outer
      traffic.end(entry, 500, startedMs, request)
      throw error
    }
    const entry = source.entry ?? source.resolve(request)
    source.entry = undefined
    if (outer !== undefined) source.entry = outer
    if (isThenable(answer)) watch(answer, entry, startedMs, request)
    else {
      const status = (answer as Response | undefined)?.status
      // Asked again: the application may have changed what the hooks want.
      if (traffic.special === undefined && isStatus(status)) traffic.endPlain(entry, status, startedMs)
      else traffic.end(entry, statusOf(answer), startedMs, request)
    }
    return answer
  }

/** @returns a fetch that ends every request in `traffic`, whatever the application does */
export function wrapFetch(source: RouteSource, traffic: Traffic): AnyFetch {
  const watch: Watch = (answer, matched, startedMs, request) => {
    const entry = entryOfAsync(matched, request)
    answer.then(
      (response) => traffic.end(entry, statusOf(response), startedMs, request),
      () => traffic.end(entry, 500, startedMs, request),
    )
  }
  return wrapper(source, traffic, source.application, traffic.now, watch)
}
