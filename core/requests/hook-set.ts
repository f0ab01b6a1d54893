/** The request hooks of all plugins: runs them, measures their time, and removes a hook that keeps throwing. */
import type { Clock } from '../contract/clock.ts'
import type { Logger } from '../contract/logger.ts'
import type { RequestHooks, RequestScope, Route } from '../contract/request-hooks.ts'
import { statuses } from './routes/route-table.ts'

/** The hooks of one plugin, with the function that receives their errors. */
export interface OwnedHooks {
  readonly plugin: string
  readonly hooks: RequestHooks
  failed(error: unknown): void
}

type HookKind = 'observe' | 'observeRequest' | 'onRequest' | 'onResponse' | 'onError'

/** One hook of one plugin. */
interface Hooked {
  readonly owner: OwnedHooks
  readonly kind: HookKind
  /** How many times in a row the hook threw. */
  failures: number
}

/** One call in this many is timed. A power of two. */
const sampleEvery = 1_024
const failuresAllowed = 10
const statusBits = Math.log2(statuses)

const only = (owned: readonly OwnedHooks[], kind: HookKind): Hooked[] =>
  owned.filter(({ hooks }) => hooks[kind] !== undefined).map((owner) => ({ owner, kind, failures: 0 }))

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
  #observe: Hooked[] = []
  #observeRequest: Hooked[] = []
  #onRequest: Hooked[] = []
  #onResponse: Hooked[] = []
  #onError: Hooked[] = []
  #calls = 0
  readonly #tookMs = new Map<string, number>()

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly log: Logger,
  ) {}

  /** Replaces all hooks. */
  replace(owned: readonly OwnedHooks[]): void {
    this.context = owned.some(({ hooks }) => hooks.context === true)
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
        hook.owner.hooks.observeRequest!(route, status, durationMs, endedMs, request),
      )
  }

  /** @returns the first answer of an `onRequest` hook */
  runOnRequest(scope: RequestScope): Response | undefined {
    let answer: Response | undefined
    for (const hook of this.#onRequest) {
      this.#run(hook, this.#sampled(), () => {
        answer = hook.owner.hooks.onRequest!(scope)
      })
      if (answer !== undefined) return answer
    }
    return undefined
  }

  runOnResponse(scope: RequestScope, response: Response | undefined): void {
    for (const hook of this.#onResponse)
      this.#run(hook, this.#sampled(), () => hook.owner.hooks.onResponse!(scope, response))
  }

  runOnError(scope: RequestScope, error: unknown): void {
    for (const hook of this.#onError) this.#run(hook, this.#sampled(), () => hook.owner.hooks.onError!(scope, error))
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
  #observeFrom(hook: Hooked, from: number, requests: Float64Array, length: number, routes: readonly Route[]): number {
    const { hooks } = hook.owner
    let at = from
    try {
      for (; at < length; at += 3) {
        const code = requests[at]! | 0
        hooks.observe!(routes[code >> statusBits]!, code & (statuses - 1), requests[at + 1]!, requests[at + 2]!)
      }
      hook.failures = 0
    } catch (error) {
      if (at > from) hook.failures = 0
      this.#threw(hook, error)
    }
    return at + 3
  }

  #run(hook: Hooked, sampled: boolean, call: () => void): void {
    const startedMs = sampled ? this.clock.monotonic() : 0
    try {
      call()
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
