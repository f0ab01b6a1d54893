/** The request hooks of all plugins: runs them, measures their time, and removes a hook that keeps throwing. */
import type { Clock } from '../contract/clock.ts'
import { messageOf } from '../contract/errors.ts'
import { disown, isThenable } from '../contract/foreign/calls.ts'
import type { Logger } from '../contract/logger.ts'
import { show } from '../contract/redact/redactor.ts'
import {
  type HookName,
  hookNames,
  type RequestHooks,
  type RequestScope,
  type Route,
} from '../contract/request-hooks.ts'
import { statuses } from './routes/route-table.ts'

export interface OwnedHooks {
  readonly plugin: string
  readonly hooks: RequestHooks
  failed(error: unknown): void
  /** Whether the instance still runs. */
  isUp(): boolean
  /** Called with the reason when a hook is taken out, until the hooks are replaced. */
  removed(reason: string): void
}

export interface Hooked<Name extends HookName = HookName> {
  readonly owner: OwnedHooks
  readonly kind: Name
  readonly call: NonNullable<RequestHooks[Name]>
  /** In a row. */
  failures: number
  /** The place of the `onRequest` of the same instance among all; -1 where there is none. */
  begin: number
}
export type Hooks = { readonly [Name in HookName]: readonly Hooked<Name>[] }

/** A request on the slow path. */
export interface HookedRequest extends RequestScope {
  /** Those that were in force as the request began. */
  readonly hooks: Hooks
  /** The place after the last `onRequest` that saw the request. */
  begun: number
}

/** One call in this many is timed. A power of two. */
const sampleEvery = 1_024
const failuresAllowed = 10
const statusBits = Math.log2(statuses)

/**
 * Whether a hook sees the end of a request. Of an instance with `onRequest`, the end of each request that it saw, and
 * of no other: also after the instance stopped, as what was counted up must be counted down.
 */
const seesEnd = ({ owner, failures, begin }: Hooked, { begun }: HookedRequest): boolean =>
  begin === -1 ? failures < failuresAllowed && owner.isUp() : begin < begun

/** Reads the hooks of one name, once. */
const only = <Name extends HookName>(owned: readonly OwnedHooks[], kind: Name): Hooked<Name>[] =>
  owned.flatMap((owner) => {
    try {
      const call = owner.hooks[kind]
      return call ? [{ owner, kind, call, failures: 0, begin: -1 }] : []
    } catch (error) {
      owner.failed(error)
      return []
    }
  })

function needsContext({ hooks, failed }: OwnedHooks): boolean {
  try {
    return hooks.context === true
  } catch (error) {
    failed(error)
    return false
  }
}

/** @throws TypeError for a promise; another value may be that of an expression */
function refusePromise(kind: HookName, returned: unknown): void {
  if (!isThenable(returned)) return
  disown(returned)
  throw new TypeError(`${kind} returned a promise: hooks are synchronous`)
}

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

/**
 * The current hooks. A hook that throws ten times in a row is removed until the next {@link HookSet.replace}. The
 * `onResponse` and `onError` of an instance with `onRequest` end what it began: the three are removed with `onRequest`.
 */
export class HookSet {
  scoped = false
  context = false
  observed = false
  requestObserved = false
  onChange: () => void = () => {}
  #hooks: Hooks = { observe: [], observeRequest: [], onRequest: [], onResponse: [], onError: [] }
  #calls = 0
  readonly #tookMs = new Map<string, number>()

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly log: Logger,
  ) {}

  replace(owned: readonly OwnedHooks[]): void {
    this.context = owned.some(needsContext)
    const hooks: Hooks = Object.fromEntries(hookNames.map((kind) => [kind, only(owned, kind)])) as never
    for (const hook of [...hooks.onRequest, ...hooks.onResponse, ...hooks.onError])
      hook.begin = hooks.onRequest.findIndex(({ owner }) => owner === hook.owner)
    this.#hooks = hooks
    this.#settle()
  }

  /** The hooks of a request that begins: those that saw the beginning see the end, also over a reload. */
  get current(): Hooks {
    return this.#hooks
  }

  /** Milliseconds that the hooks of a plugin took: `observe` measured, the others estimated from one call in 1,024. */
  hookMs(plugin: string): number {
    return this.#tookMs.get(plugin) ?? 0
  }

  /** @param requests `length` numbers, three for each request: `id * statuses + status` of its route, duration, end */
  observe(requests: Float64Array, length: number, routes: readonly Route[]): void {
    for (const hook of this.#hooks.observe) {
      const startedMs = this.clock.monotonic()
      for (let at = 0; at < length && hook.failures < failuresAllowed; )
        at = this.#observeFrom(hook, at, requests, length, routes)
      this.#took(hook, this.clock.monotonic() - startedMs)
    }
  }

  observeRequest(route: Route, status: number, durationMs: number, endedMs: number, request: Request): void {
    for (const hook of this.#hooks.observeRequest)
      this.#run(hook, () => hook.call.call(hook.owner.hooks, route, status, durationMs, endedMs, request))
  }

  /** @param isOwn whether Arkwatch answers a request, which no hook may @returns the first answer of a hook */
  runOnRequest(scope: HookedRequest, isOwn: (request: Request) => boolean): Response | undefined {
    let answer: Response | undefined
    for (const hook of scope.hooks.onRequest) {
      scope.begun = hook.begin + 1
      this.#run(hook, () => {
        const returned: unknown = hook.call.call(hook.owner.hooks, scope)
        if (returned !== undefined) answer = answerOf(returned)
      })
      if (answer !== undefined && !isOwn(scope.request)) return answer
      answer = undefined
    }
    return undefined
  }

  runOnResponse(scope: HookedRequest, response: Response | undefined): void {
    for (const hook of scope.hooks.onResponse)
      if (seesEnd(hook, scope)) this.#run(hook, () => hook.call.call(hook.owner.hooks, scope, response))
  }

  runOnError(scope: HookedRequest, error: unknown): void {
    for (const hook of scope.hooks.onError)
      if (seesEnd(hook, scope)) this.#run(hook, () => hook.call.call(hook.owner.hooks, scope, error))
  }

  get wantsErrors(): boolean {
    return this.#hooks.onError.length > 0
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

  #run(hook: Hooked, call: () => unknown): void {
    this.#calls = (this.#calls + 1) | 0
    const sampled = (this.#calls & (sampleEvery - 1)) === 0
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
    const { owner, kind } = hook
    hook.failures += 1
    owner.failed(error)
    // A request in progress over a reload still has the hook from before.
    if (hook.failures !== failuresAllowed || !(this.#hooks[kind] as readonly Hooked[]).includes(hook)) return
    const { onRequest, onResponse, onError } = this.#hooks
    if (kind !== 'onRequest' && onRequest.some((other) => other.owner === owner)) return
    const ends = kind === 'onRequest' ? [...onResponse, ...onError].filter((other) => other.owner === owner) : []
    const out = new Set<Hooked>([hook, ...ends])
    this.#hooks = Object.fromEntries(
      hookNames.map((name) => [name, this.#hooks[name].filter((other: Hooked) => !out.has(other))]),
    ) as never
    this.#settle()
    const also = ends.length === 0 ? '' : ` with ${ends.map((end) => end.kind).join(' and ')}`
    owner.removed(`the request hook ${kind} threw ten times in a row and was taken out${also}: ${messageOf(error)}`)
    const fields = { plugin: owner.plugin, hook: kind, error }
    this.log.error('a request hook threw ten times in a row and was taken out', fields)
  }

  #settle(): void {
    const { observe, observeRequest, onRequest, onResponse, onError } = this.#hooks
    this.requestObserved = observeRequest.length > 0
    this.observed = observe.length > 0 || this.requestObserved
    this.scoped = this.context || onRequest.length + onResponse.length + onError.length > 0
    this.onChange()
  }
}
