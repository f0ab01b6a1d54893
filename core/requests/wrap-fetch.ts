/** The wrapper around an application's `fetch`, the hot path: allocates nothing for a synchronous answer. */
import { isThenable } from '../contract/foreign/calls.ts'
import { entryOfAsync, type RouteEntry } from './routes/route-entry.ts'
import { type AnyFetch, awaitingMatch, type RouteSource } from './routes/route-source.ts'
import { isStatus, statusOf, type Traffic } from './traffic.ts'
import { callScoped } from './wrap-scoped.ts'

type Watch = (answer: PromiseLike<unknown>, matched: RouteEntry, startedMs: number, request: Request) => void

/** Takes everything as parameters, and an application that never changes, for the JIT (decision 0007). */
const wrapper =
  (source: RouteSource, traffic: Traffic, application: AnyFetch, now: () => number, watch: Watch): AnyFetch =>
  (request, env, context) => {
    if (traffic.slowPath && traffic.scoped) return callScoped(source, traffic, request, env, context)
    const startedMs = now()
    const outer = source.entry
    traffic.active += 1
    source.entry = awaitingMatch
    let answer: ReturnType<AnyFetch>
    try {
      const { interceptor } = source
      answer = interceptor === undefined ? undefined : interceptor(request)
      if (answer === undefined) answer = application(request, env, context)
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
      // Read again: the application may have changed the hooks.
      if (!traffic.slowPath && isStatus(status)) traffic.endPlain(entry, status, startedMs)
      else traffic.end(entry, statusOf(answer), startedMs, request)
    }
    return answer
  }

/** @returns a fetch that ends every request in `traffic`, also when the application throws */
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
