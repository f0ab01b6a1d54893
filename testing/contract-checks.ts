/** The checks of the contract that need a running plugin. Each returns its faults, in words. */
import { Hono } from 'hono'
import { messageOf } from '../core/contract/errors.ts'
import { hookNames } from '../core/contract/request-hooks.ts'
import { continues } from '../core/lifecycle/cleanups.ts'
import { yieldToLoop } from '../core/process/clock.ts'
import type { ContractSubject, Parts, SetupWrapper } from './contract-subject.ts'
import { leftOpen, opened, openResources, settledResources } from './open-resources.ts'
import { patientClock, type TestClock, testClock } from './test-clock.ts'

/** Starts and stops once. */
async function roundFaults(subject: ContractSubject, setup?: SetupWrapper, clock?: TestClock) {
  const booted = await subject.boot(setup, clock)
  const { state, reason } = subject.statusIn(booted)
  const { hung, errors } = await booted.stop()
  const left = booted.clock.pending
  return [
    ...(['ok', 'degraded', 'disabled'].includes(state) ? [] : [`the plugin is ${state}: ${reason}`]),
    ...hung.map((name) => `plugin ${name} does not stop in time`),
    ...(hung.length > 0 ? [] : errors.map((message) => `stop logs an error: ${message}`)),
    ...(left > 0 ? [`left after stop: timers of the clock (${left})`] : []),
  ]
}

export async function setupFaults(subject: ContractSubject): Promise<string[]> {
  const before = await settledResources()
  const found: string[] = []
  for (let round = 0; round < 2; round += 1) {
    const clock = testClock()
    const idle: SetupWrapper = (own) => {
      const still = openResources()
      const { pending } = clock
      const parts = own()
      const armed = clock.pending - pending
      found.push(...opened(still).map((what) => `setup opens ${what}`))
      if (armed > 0) found.push(`setup arms timers of the clock (${armed})`)
      return { ...parts, start: undefined, ready: undefined }
    }
    found.push(...(await roundFaults(subject, idle, clock)))
  }
  found.push(...(await leftOpen(before)).map((what) => `left after a stop without start: ${what}`))
  return [...new Set(found)]
}

export async function leakFaults(subject: ContractSubject): Promise<string[]> {
  const before = await settledResources()
  const first = await roundFaults(subject)
  // Rounds of a plugin that hangs take long and say the same.
  if (first.length > 0) return first
  // A handle that the process opens once, such as a resolver, is open after the first round; a leak repeats.
  const { handles } = openResources()
  const found = [...first, ...(await roundFaults(subject)), ...(await roundFaults(subject))]
  const left = await leftOpen({ ...before, handles })
  return [...found, ...left.map((what) => `left after three starts and stops: ${what}`)]
}

const stepMs = 10_000
const hourMs = 3_600_000

export async function timerFaults(subject: ContractSubject): Promise<string[]> {
  const before = await settledResources()
  await using booted = await subject.boot(undefined, patientClock())
  for (let passedMs = stepMs; passedMs <= hourMs; passedMs += stepMs) {
    await booted.clock.advance(stepMs)
    await yieldToLoop()
    const { errors, reason } = subject.statusIn(booted)
    if (errors > 0) return [`within ${passedMs / 1_000} s of its start: ${reason}`]
  }
  const from = booted.lines.length
  await booted.stop()
  // What a timer waits for may hold a handle, and then the timer continues.
  await leftOpen(before)
  await yieldToLoop()
  const own = `plugin ${subject.definition.name} ${continues}`
  return booted.lines.slice(from).some(({ message }) => message === own) ? [own] : []
}

/** The hooks, with a note of each that throws or returns a promise. */
function watchedHooks(hooks: object, note: (fault: string) => void): Parts {
  const watched = [...hookNames, 'context'].map((name) => {
    const hook: unknown = Reflect.get(hooks, name)
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

export async function hookFaults(subject: ContractSubject): Promise<string[]> {
  const found = new Set<string>()
  const watch: SetupWrapper = (own) => {
    const parts = own()
    const value = parts.hooks && watchedHooks(parts.hooks, (fault) => found.add(fault))
    return Object.defineProperty(parts, 'hooks', { value })
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
