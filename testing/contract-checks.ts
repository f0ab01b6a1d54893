/** The checks of the contract that need a running plugin. Each returns what is wrong, in words. */
import { Hono } from 'hono'
import { didYouMean } from '../core/contract/closest.ts'
import type { PluginParts } from '../core/contract/definition.ts'
import { messageOf } from '../core/contract/errors.ts'
import type { RequestHooks } from '../core/contract/request-hooks.ts'
import type { TokenMap } from '../core/contract/tokens.ts'
import { yieldToLoop } from '../core/process/clock.ts'
import { type ContractSubject, type Parts, statusOf } from './contract-subject.ts'
import { leftOpen, opened, openResources } from './open-resources.ts'
import type { TestRuntime } from './test-runtime.ts'

const knownParts: Record<keyof PluginParts<unknown, TokenMap>, true> = {
  ...{ services: true, contributes: true, routes: true, hooks: true, start: true, ready: true },
  ...{ reconfigure: true, handover: true, stop: true },
}
const knownHooks: Record<keyof RequestHooks, true> = {
  ...{ observe: true, observeRequest: true, onRequest: true, onResponse: true, onError: true, context: true },
}

const unknownKeys = (what: string, given: object, known: object): string[] =>
  Object.keys(given)
    .filter((key) => !(key in known))
    .map((key) =>
      [`${what} "${key}", which is unknown`, didYouMean(key, Object.keys(known))].filter(Boolean).join(': '),
    )

function partFaults(parts: unknown): string[] {
  if (parts instanceof Promise) return ['setup returns a promise: do what waits in start']
  if (typeof parts !== 'object' || parts === null) return ['setup returns no object']
  const { hooks } = parts as Parts
  return [
    ...unknownKeys('setup returns the part', parts, knownParts),
    ...unknownKeys('setup returns the hook', (hooks as object | undefined) ?? {}, knownHooks),
  ]
}

function stateFaults(subject: ContractSubject, booted: TestRuntime): string[] {
  const { state, reason } = statusOf(subject, booted)
  return ['ok', 'degraded', 'disabled'].includes(state) ? [] : [`the plugin is ${state}: ${reason}`]
}

const stopFaults = async (booted: TestRuntime): Promise<string[]> =>
  (await booted.stop()).hung.map((name) => `plugin ${name} does not stop in time`)

/** Sets up twice without a start, and stops. */
export async function setupFaults(subject: ContractSubject): Promise<string[]> {
  await using without = await subject.bootWithout()
  const before = openResources()
  const found = new Set<string>()
  const note = (faults: readonly string[]) => {
    for (const fault of faults) found.add(fault)
  }
  for (let round = 0; round < 2; round += 1) {
    const idle = (own: () => Parts): Parts => {
      const still = openResources()
      const parts = own()
      note([...partFaults(parts), ...opened(still).map((what) => `setup opens ${what}`)])
      return { ...parts, start: undefined, ready: undefined }
    }
    const booted = await subject.boot(idle)
    note(stateFaults(subject, booted))
    const timers = booted.clock.pending - without.clock.pending
    if (timers > 0) note([`setup arms timers of the clock (${timers})`])
    note(await stopFaults(booted))
  }
  return [...found, ...(await leftOpen(before)).map((what) => `left after a stop without start: ${what}`)]
}

/** Starts and stops three times. */
export async function leakFaults(subject: ContractSubject): Promise<string[]> {
  const before = openResources()
  const found: string[] = []
  let first = before
  for (let round = 0; round < 3; round += 1) {
    const booted = await subject.boot()
    found.push(...stateFaults(subject, booted), ...(await stopFaults(booted)))
    const { pending } = booted.clock
    if (pending > 0) found.push(`left after stop: timers of the clock (${pending})`)
    // What the process opens once, such as a resolver, is open after the first round; what leaks comes again each round.
    if (round === 0) first = { ...before, handles: openResources().handles }
  }
  return [...found, ...(await leftOpen(first)).map((what) => `left after three starts and stops: ${what}`)]
}

const stepMs = 10_000
const watchedMs = 3_600_000

/** Lets an hour pass. */
export async function timerFaults(subject: ContractSubject): Promise<string[]> {
  await using booted = await subject.boot()
  for (let passedMs = stepMs; passedMs <= watchedMs; passedMs += stepMs) {
    await booted.clock.advance(stepMs)
    await yieldToLoop()
    const { errors, reason } = statusOf(subject, booted)
    if (errors > 0) return [`within ${passedMs / 1_000} s of its start: ${reason}`]
  }
  return []
}

/** The hooks, with a note of each that throws or returns a promise. */
function watchedHooks(hooks: RequestHooks, note: (fault: string) => void): Parts {
  const given = Object.keys(knownHooks).map((name) => [name, hooks[name as keyof RequestHooks]] as const)
  const watched = given.map(([name, hook]) => {
    if (typeof hook !== 'function') return [name, hook]
    const call = (...values: unknown[]) => {
      try {
        const result: unknown = Reflect.apply(hook, hooks, values)
        if (!(result instanceof Promise)) return result
        note(`the hook ${name} returns a promise`)
        result.catch(() => {})
      } catch (error) {
        note(`the hook ${name} throws: ${messageOf(error)}`)
        throw error
      }
    }
    return [name, call]
  })
  return Object.fromEntries(watched)
}

const application = () =>
  new Hono()
    .onError((_, context) => context.text('a fault', 500))
    .all('/sample/:id', (context) => context.text('sample'))
    .get('/fault', () => {
      throw new Error('a sample fault')
    })

/** Sends requests that are answered, that match nothing, and that throw. */
export async function hookFaults(subject: ContractSubject): Promise<string[]> {
  const found = new Set<string>()
  const watch = (own: () => Parts): Parts => {
    const parts = own()
    // The hooks may be other ones after each change, and are read again.
    return new Proxy({} as Parts, {
      get(_, key: string) {
        const part = parts[key]
        if (key === 'hooks' && part) return watchedHooks(part as RequestHooks, (fault) => found.add(fault))
        return typeof part === 'function' && key !== 'routes' ? part.bind(parts) : part
      },
    })
  }
  await using booted = await subject.boot(watch)
  const fetch = booted.runtime.requestPath.wrapHono(application())
  const send = async (path: string, init?: RequestInit) => fetch(new Request(`http://localhost${path}`, init))
  await send('/sample/1?q=1', { headers: { 'x-request-id': 'contract', 'user-agent': 'contract' } })
  await send('/sample/2', { method: 'POST', body: '{}' })
  await send('/unmatched')
  await send('/fault')
  booted.runtime.flushRequests()
  return [...found]
}
