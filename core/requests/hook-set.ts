/** The request hooks of all plugins: runs them, measures their time, and removes a hook that keeps throwing. */
import type { Clock } from '../contract/clock.ts'
import { messageOf } from '../contract/errors.ts'
import { disown, isThenable } from '../contract/foreign/calls.ts'
import type { Logger } from '../contract/logger.ts'
import { show } from '../contract/redact/redactor.ts'
import type { HookName, RequestHooks, RequestScope, Route } from '../contract/request-hooks.ts'
import { statuses } from './routes/route-table.ts'

/** The hooks of one plugin, with the function that receives their errors. */
export interface OwnedHooks {
  readonly plugin: string
  readonly hooks: RequestHooks
  failed(error: unknown): void
  /** Called with the reason when a hook is taken out, until the hooks are replaced. */
  removed(reason: string): void
}

/** One hook of one plugin. */
interface Hooked<Name extends HookName = HookName> {
  readonly owner: OwnedHooks
  readonly kind: Name
  readonly call: NonNullable<RequestHooks[Name]>
  /** How many times in a row the hook threw. */
  failures: number
}

/** One call in this many is timed. A power of two. */
const sampleEvery = 1_024
const failuresAllowed = 10
const statusBits = Math.log2(statuses)

/** Reads the hooks of one name, once. */
const only = <Name extends HookName>(owned: readonly OwnedHooks[], kind: Name): Hooked<Name>[] =>
  owned.flatMap((owner) => {
    try {
      const call = owner.hooks[kind]
      return call ? [{ owner, kind, call, failures: 0 }] : []
    } catch (error) {
      owner.failed(error)
      return []
    }
  })

/** Whether a plugin asks for the request context. */
function needsContext({ hooks, failed }: OwnedHooks): boolean {
  try {
    return hooks.context === true
  } catch (error) {
    failed(error)
    return false
  }
}

/**
 * @param returned not undefined: the value of an expression, which is ignored, or a promise @throws TypeError for a
 * promise
 */
function refusePromise(kind: HookName, returned: unknown): void {
  if (!isThenable(returned)) return
  disown(returned)
  throw new TypeError(`${kind} returned a promise: hooks are synchronous`)
}

/** @throws TypeError for anything but a Response */
function answerOf(returned: unknown): Response {
  if (returned instanceof Response) {
    // Bun answers neither of them, and shows a page of its own.
    if (returned.type === 'error') throw new TypeError('onRequest returned Response.error()')
    if (returned.bodyUsed) throw new TypeError('onRequest returned a Response whose body was used already')
    return returned
  }
  refusePromise('onRequest', returned)
  throw new TypeError(`onRequest returned ${show(returned)}: expected a Response or undefined`)
}

/** The current hooks. A hook that throws ten times in a row is removed until the next {@link HookSet.replace}. */
export class HookSet {
  /** Whether requests need a scope. */
  scoped = false
  /** Whether requests run in the AsyncLocalStorage. */
  context = false
  /** Whether a hook observes requests. */
  observed = false
  /** Whether a hook implements `observeRequest`. */
  requestObserved = false
  /** Called after a change of the hooks. */
  onChange: () => void = () => {}
  #observe: Hooked<'observe'>[] = []
  #observeRequest: Hooked<'observeRequest'>[] = []
  #onRequest: Hooked<'onRequest'>[] = []
  #onResponse: Hooked<'onResponse'>[] = []
  #onError: Hooked<'onError'>[] = []
  #calls = 0
  readonly #tookMs = new Map<string, number>()

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly log: Logger,
  ) {}

  /** Replaces all hooks. */
  replace(owned: readonly OwnedHooks[]): void {
    this.context = owned.some(needsContext)
    this.#onRequest = only(owned, 'onRequest')
    this.#onResponse = only(owned, 'onResponse')
    this.#onError = only(owned, 'onError')
    this.#observe = only(owned, 'observe')
    this.#observeRequest = only(owned, 'observeRequest')
    this.#settle()
  }

  /** Milliseconds that the hooks of a plugin took: `observe` measured, the others estimated from one call in 1,024. */
  hookMs(plugin: string): number {
    return this.#tookMs.get(plugin) ?? 0
  }

  /**
   * Runs the `observe` hooks for a batch of requests.
   * @param requests three numbers for each request: `id * statuses + status` of the route, duration, end
   * @param length how many numbers are filled
   */
  observe(requests: Float64Array, length: number, routes: readonly Route[]): void {
    for (const hook of this.#observe) {
      const startedMs = this.clock.monotonic()
      for (let at = 0; at < length && hook.failures < failuresAllowed; )
        at = this.#observeFrom(hook, at, requests, length, routes)
      this.#took(hook, this.clock.monotonic() - startedMs)
    }
  }

  /** Runs the `observeRequest` hooks. */
  observeRequest(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void {
    for (const hook of this.#observeRequest)
      this.#run(hook, this.#sampled(), () =>
        hook.call.call(hook.owner.hooks, route, status, durationMs, endedMs, request),
      )
  }

  /** @returns the first answer of an `onRequest` hook */
  runOnRequest(scope: RequestScope): Response | undefined {
    let answer: Response | undefined
    for (const hook of this.#onRequest) {
      this.#run(hook, this.#sampled(), () => {
        const returned: unknown = hook.call.call(hook.owner.hooks, scope)
        if (returned !== undefined) answer = answerOf(returned)
      })
      if (answer !== undefined) return answer
    }
    return undefined
  }

  runOnResponse(scope: RequestScope, response: Response | undefined): void {
    for (const hook of this.#onResponse)
      this.#run(hook, this.#sampled(), () => hook.call.call(hook.owner.hooks, scope, response))
  }

  runOnError(scope: RequestScope, error: unknown): void {
    for (const hook of this.#onError)
      this.#run(hook, this.#sampled(), () => hook.call.call(hook.owner.hooks, scope, error))
  }

  /** Whether a plugin has an `onError` hook, which needs to find the scope of a request. */
  get wantsErrors(): boolean {
    return this.#onError.length > 0
  }

  #sampled(): boolean {
    this.#calls = (this.#calls + 1) | 0
    return (this.#calls & (sampleEvery - 1)) === 0
  }

  /** @returns the index to continue from: the end, or the request after the one at which the observer threw */
  #observeFrom(
    hook: Hooked<'observe'>,
    from: number,
    requests: Float64Array,
    length: number,
    routes: readonly Route[],
  ): number {
    const { call } = hook
    const { hooks } = hook.owner
    let at = from
    try {
      for (; at < length; at += 3) {
        const code = requests[at]! | 0
        const status = code & (statuses - 1)
        const returned = call.call(hooks, routes[code >> statusBits]!, status, requests[at + 1]!, requests[at + 2]!)
        if (returned !== undefined) refusePromise('observe', returned)
      }
      hook.failures = 0
    } catch (error) {
      if (at > from) hook.failures = 0
      this.#threw(hook, error)
    }
    return at + 3
  }

  #run(hook: Hooked, sampled: boolean, call: () => unknown): void {
    const startedMs = sampled ? this.clock.monotonic() : 0
    try {
      const returned = call()
      if (returned !== undefined) refusePromise(hook.kind, returned)
      hook.failures = 0
    } catch (error) {
      this.#threw(hook, error)
    }
    if (sampled) this.#took(hook, (this.clock.monotonic() - startedMs) * sampleEvery)
  }

  #took({ owner: { plugin } }: Hooked, ms: number): void {
    this.#tookMs.set(plugin, (this.#tookMs.get(plugin) ?? 0) + ms)
  }

  #threw(hook: Hooked, error: unknown): void {
    hook.failures += 1
    hook.owner.failed(error)
    if (hook.failures < failuresAllowed) return
    const stays = (other: Hooked) => other !== hook
    this.#observe = this.#observe.filter(stays)
    this.#observeRequest = this.#observeRequest.filter(stays)
    this.#onRequest = this.#onRequest.filter(stays)
    this.#onResponse = this.#onResponse.filter(stays)
    this.#onError = this.#onError.filter(stays)
    this.#settle()
    hook.owner.removed(`the request hook ${hook.kind} threw ten times in a row and was taken out: ${messageOf(error)}`)
    this.log.error('a request hook threw ten times in a row and was taken out', {
      plugin: hook.owner.plugin,
      hook: hook.kind,
      error,
    })
  }

  #settle(): void {
    this.requestObserved = this.#observeRequest.length > 0
    this.observed = this.#observe.length > 0 || this.requestObserved
    this.scoped = this.context || this.#onRequest.length + this.#onResponse.length + this.#onError.length > 0
    this.onChange()
  }
}
