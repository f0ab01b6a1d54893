/** One request on the slow path: for `onRequest`, `onResponse`, `onError` hooks and the request context. */
import { isThenable } from '../contract/foreign/calls.ts'
import { requestStorage, Scope } from './request-scope.ts'
import { entryOfAsync, type RouteEntry } from './routes/route-entry.ts'
import { type AnyFetch, awaitingMatch, type RouteSource } from './routes/route-source.ts'
import { statusOf, type Traffic } from './traffic.ts'

export function openScope(traffic: Traffic, request: Request): Scope {
  const scope = new Scope(request, traffic.now(), traffic.hooks.current)
  traffic.active += 1
  if (traffic.hooks.wantsErrors) scope.remember()
  return scope
}

/** Calls hooks of a request, which find the request where a plugin asked for that. */
export const within = <T>(traffic: Traffic, scope: Scope, call: () => T): T =>
  traffic.hooks.context ? requestStorage.run(scope, call) : call()

export function closeScope(traffic: Traffic, scope: Scope, entry: RouteEntry, response: unknown): void {
  scope.entry = entry
  within(traffic, scope, () => traffic.hooks.runOnResponse(scope, response as Response | undefined))
  traffic.end(entry, statusOf(response), scope.startedMs, scope.request)
}

/** Runs the `onError` hooks once for an error. */
export function reportError(traffic: Traffic, scope: Scope, error: unknown): void {
  if (scope.error === error) return
  scope.error = error
  within(traffic, scope, () => traffic.hooks.runOnError(scope, error))
}

/** Ends a request whose error the application did not handle. */
export function failScope(traffic: Traffic, scope: Scope, entry: RouteEntry, error: unknown): void {
  scope.entry = entry
  reportError(traffic, scope, error)
  within(traffic, scope, () => traffic.hooks.runOnResponse(scope, undefined))
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
  const early = within(traffic, scope, () => traffic.hooks.runOnRequest(scope, source.isOwn))
  if (early !== undefined) {
    closeScope(traffic, scope, source.resolve(request), early)
    return early
  }
  const outerEntry = source.entry
  const outerScope = source.scope
  source.entry = awaitingMatch
  source.scope = scope
  const restore = () => {
    const entry = entryOfAsync(source.entry ?? source.resolve(request), request)
    source.entry = outerEntry
    source.scope = outerScope
    return entry
  }
  let answer: ReturnType<AnyFetch>
  try {
    answer = within(traffic, scope, () => source.answer(request, env, context))
  } catch (error) {
    failScope(traffic, scope, restore(), error)
    throw error
  }
  const entry = restore()
  if (!isThenable(answer)) {
    closeScope(traffic, scope, entry, answer)
    return answer
  }
  scope.entry = entry
  answer.then(
    (response) => closeScope(traffic, scope, entry, response),
    (error) => failScope(traffic, scope, entry, error),
  )
  return answer
}
