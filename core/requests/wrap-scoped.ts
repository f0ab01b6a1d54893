/** One request with a scope: for hooks that answer, that see responses and errors, or that want a request context. */
import { requestStorage } from './current-request.ts'
import { Scope } from './request-scope.ts'
import { entryOfAsync, type RouteEntry } from './routes/route-entry.ts'
import type { AnyFetch, RouteSource } from './routes/route-source.ts'
import { statusOf, type Traffic } from './traffic.ts'

/** Makes the scope of a request that begins. */
export function openScope(traffic: Traffic, request: Request): Scope {
  const scope = new Scope(request, traffic.now())
  traffic.active += 1
  if (traffic.hooks.wantsErrors) scope.remember()
  return scope
}

/** Ends a request that was answered. */
export function closeScope(traffic: Traffic, scope: Scope, entry: RouteEntry, response: unknown): void {
  scope.entry = entry
  traffic.hooks.responded(scope, response as Response | undefined)
  traffic.end(entry, statusOf(response), scope.startedMs, scope.request)
}

/** Tells `onError` of an error, once. */
export function reportError(traffic: Traffic, scope: Scope, error: unknown): void {
  if (scope.error === error) return
  scope.error = error
  traffic.hooks.threw(scope, error)
}

/** Ends a request that threw past the application. */
export function failScope(traffic: Traffic, scope: Scope, entry: RouteEntry, error: unknown): void {
  scope.entry = entry
  reportError(traffic, scope, error)
  traffic.end(entry, 500, scope.startedMs, scope.request)
}

export function callScoped(
  source: RouteSource,
  traffic: Traffic,
  request: Request,
  env: unknown,
  context: unknown,
): ReturnType<AnyFetch> {
  const scope = openScope(traffic, request)
  const instead = traffic.hooks.answer(scope)
  if (instead !== undefined) {
    closeScope(traffic, scope, source.resolve(request), instead)
    return instead
  }
  const outerEntry = source.entry
  const outerScope = source.scope
  source.entry = null
  source.scope = scope
  const restore = () => {
    const entry = entryOfAsync(source.entry ?? source.resolve(request), request)
    source.entry = outerEntry
    source.scope = outerScope
    return entry
  }
  const fetch = source.instead ?? source.application
  let answer: ReturnType<AnyFetch>
  try {
    answer = traffic.hooks.context
      ? requestStorage.run(scope, fetch, request, env, context)
      : fetch(request, env, context)
  } catch (error) {
    failScope(traffic, scope, restore(), error)
    throw error
  }
  const entry = restore()
  if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then !== 'function') {
    closeScope(traffic, scope, entry, answer)
    return answer
  }
  scope.entry = entry
  ;(answer as PromiseLike<unknown>).then(
    (response) => closeScope(traffic, scope, entry, response),
    (error) => failScope(traffic, scope, entry, error),
  )
  return answer
}
