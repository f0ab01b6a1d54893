/** The request hooks of all plugins, flat: what runs for each request, what it costs, and who is taken out. */
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { RequestHooks, RequestScope, Route } from '../request.ts'

/** The hooks of one plugin, and where to report what they throw. */
export interface OwnedHooks {
  readonly plugin: string
  readonly hooks: RequestHooks
  failed(error: unknown): void
}

type HookKind = 'observe' | 'onRequest' | 'onResponse' | 'onError'

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
  #observing: RequestHooks[] = []
  #observers: Hooked[] = []
  #onRequest: Hooked[] = []
  #onResponse: Hooked[] = []
  #onError: Hooked[] = []
  #calls = 0
  /** Some observer threw the last time that it ran. */
  #failing = false
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
    this.#observers = only(owned, 'observe')
    this.#settle()
  }

  /** Milliseconds that the hooks of a plugin took, estimated from one call in 1,024. */
  hookMs(plugin: string): number {
    return this.#tookMs.get(plugin) ?? 0
  }

  /** Runs the observers. Allocates nothing. */
  observe(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void {
    const calls = (this.#calls + 1) | 0
    this.#calls = calls
    if ((calls & (sampleEvery - 1)) === 0 || this.#failing) {
      this.#observeWithCare(0, route, status, durationMs, endedMs, request)
      return
    }
    const observing = this.#observing
    let at = 0
    try {
      for (; at < observing.length; at += 1) observing[at]!.observe!(route, status, durationMs, endedMs, request)
    } catch (error) {
      const observers = this.#observers
      this.#threw(observers[at]!, error)
      this.#observeWithCare(at + 1, route, status, durationMs, endedMs, request, observers)
    }
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
    return (this.#calls & (sampleEvery - 1)) === 0
  }

  #observeWithCare(
    from: number,
    route: Route,
    status: number,
    durationMs: number,
    endedMs: number,
    request: Request,
    observers = this.#observers,
  ): void {
    const sampled = this.#sampled()
    for (let at = from; at < observers.length; at += 1) {
      const hook = observers[at]!
      this.#run(hook, sampled, () => hook.owner.hooks.observe!(route, status, durationMs, endedMs, request))
    }
    this.#failing = this.#observers.some(({ failures }) => failures > 0)
  }

  #run(hook: Hooked, sampled: boolean, call: () => void): void {
    const startedMs = sampled ? this.clock.monotonic() : 0
    try {
      call()
      hook.failures = 0
    } catch (error) {
      this.#threw(hook, error)
    }
    if (!sampled) return
    const { plugin } = hook.owner
    const tookMs = (this.clock.monotonic() - startedMs) * sampleEvery
    this.#tookMs.set(plugin, (this.#tookMs.get(plugin) ?? 0) + tookMs)
  }

  #threw(hook: Hooked, error: unknown): void {
    hook.failures += 1
    this.#failing = true
    hook.owner.failed(error)
    if (hook.failures < failuresAllowed) return
    const stays = (other: Hooked) => other !== hook
    this.#observers = this.#observers.filter(stays)
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
    this.#observing = this.#observers.map(({ owner }) => owner.hooks)
    this.#failing = this.#observers.some(({ failures }) => failures > 0)
    this.observed = this.#observers.length > 0
    this.scoped = this.context || this.#onRequest.length + this.#onResponse.length + this.#onError.length > 0
  }
}
