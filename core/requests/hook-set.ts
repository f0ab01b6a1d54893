/** The request hooks of all plugins, flat: what runs for each request, what it costs, and who is taken out. */
import type { Clock } from '../contract/clock.ts'
import type { Logger } from '../contract/logger.ts'
import type { RequestHooks, RequestScope, Route } from '../contract/request-hooks.ts'
import { statuses } from './routes/route-table.ts'

/** The hooks of one plugin, and where to report what they throw. */
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
  /** How many times in a row it threw. */
  failures: number
}

/** One call in so many is timed. A power of two. */
const sampleEvery = 1_024
const failuresAllowed = 10
const statusBits = Math.log2(statuses)

const only = (owned: readonly OwnedHooks[], kind: HookKind): Hooked[] =>
  owned.filter(({ hooks }) => hooks[kind] !== undefined).map((owner) => ({ owner, kind, failures: 0 }))

/** Holds the hooks in force. A hook that throws ten times in a row is taken out until the next {@link HookSet.replace}. */
export class HookSet {
  /** Whether requests need a scope. */
  scoped = false
  /** Whether requests run in the AsyncLocalStorage. */
  context = false
  /** Whether anything observes. */
  observed = false
  /** Whether anything observes with the request at hand. */
  observedAtOnce = false
  /** Called when the hooks in force have changed. */
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

  /** Puts other hooks in force, all at once. */
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
   * Tells each observer of many requests in a row.
   * @param requests three numbers each: `id * statuses + status` of the route, duration, end
   * @param length of what is filled
   */
  observe(requests: Float64Array, length: number, routes: readonly Route[]): void {
    for (const hook of this.#observe) {
      const startedMs = this.clock.monotonic()
      for (let at = 0; at < length && hook.failures < failuresAllowed; )
        at = this.#observeFrom(hook, at, requests, length, routes)
      this.#took(hook, this.clock.monotonic() - startedMs)
    }
  }

  /** Runs the observers that want the request itself. */
  observeRequest(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void {
    for (const hook of this.#observeRequest)
      this.#run(hook, this.#sampled(), () =>
        hook.owner.hooks.observeRequest!(route, status, durationMs, endedMs, request),
      )
  }

  /** @returns the first answer that a hook gives in place of the application */
  answer(scope: RequestScope): Response | undefined {
    let answer: Response | undefined
    for (const hook of this.#onRequest) {
      this.#run(hook, this.#sampled(), () => {
        answer = hook.owner.hooks.onRequest!(scope)
      })
      if (answer !== undefined) return answer
    }
    return undefined
  }

  responded(scope: RequestScope, response: Response | undefined): void {
    for (const hook of this.#onResponse)
      this.#run(hook, this.#sampled(), () => hook.owner.hooks.onResponse!(scope, response))
  }

  threw(scope: RequestScope, error: unknown): void {
    for (const hook of this.#onError) this.#run(hook, this.#sampled(), () => hook.owner.hooks.onError!(scope, error))
  }

  /** Whether scopes must be found again by their request. */
  get wantsErrors(): boolean {
    return this.#onError.length > 0
  }

  #sampled(): boolean {
    this.#calls = (this.#calls + 1) | 0
    return (this.#calls & (sampleEvery - 1)) === 0
  }

  /** @returns where to go on: at the end, or behind the request at which the observer threw */
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
    this.observedAtOnce = this.#observeRequest.length > 0
    this.observed = this.#observe.length > 0 || this.observedAtOnce
    this.scoped = this.context || this.#onRequest.length + this.#onResponse.length + this.#onError.length > 0
    this.onChange()
  }
}
