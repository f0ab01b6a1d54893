/** Checks of what a plugin returns and declares. Each value is read once: a getter may throw the next time. */
import { didYouMean } from '../contract/closest.ts'
import type { Handover, PluginParts, RequestParts } from '../contract/definition.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import { disown, isThenable } from '../contract/foreign/calls.ts'
import { show } from '../contract/redact/redactor.ts'
import { hookNames } from '../contract/request-hooks.ts'
import { type Contribution, type ExtensionPoint, madeThrough, type TokenMap } from '../contract/tokens.ts'

type Parts = PluginParts<unknown, TokenMap>
type Refuse = (what: string) => Error

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
/** Not a promise, whose `await` was forgotten. */
const isOwn = (value: unknown) => isObject(value) && !isThenable(value)
const isFunction = (value: unknown) => typeof value === 'function'
const isRoutes = (value: unknown) => isObject(value) && Array.isArray(value.routes) && isFunction(value.fetch)

type Kind = readonly [what: string, fits: (value: unknown) => boolean]
const call: Kind = ['a function', isFunction]
const kinds: Readonly<Record<keyof Parts, Kind>> = {
  services: ['an object', isOwn],
  contributes: ['a list of contributions', Array.isArray],
  routes: ['a Hono application', isRoutes],
  hooks: ['an object of hooks', isOwn],
  ...{ start: call, ready: call, stop: call, reconfigure: call, settled: call, handover: call },
}
const allParts = Object.keys(kinds) as (keyof Parts)[]
const requestParts = ['routes', 'hooks'] as const satisfies readonly (keyof RequestParts)[]

/** @param what what is named, `part` @throws for an unknown name, except in an instance of a class */
function checkNames(returned: object, known: readonly string[], what: string, refuse: Refuse): void {
  const prototype = Object.getPrototypeOf(returned)
  if (prototype !== Object.prototype && prototype !== null) return
  const unknown = Object.keys(returned).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const advice = didYouMean(unknown, known) ?? `the ${what}s are ${known.join(', ')}`
  throw refuse(`the unknown ${what} ${show(unknown)}: ${advice}`)
}

function checkHooks(hooks: Readonly<Record<string, unknown>>, refuse: Refuse): void {
  checkNames(hooks, [...hookNames, 'context'], 'hook', refuse)
  for (const name of hookNames) {
    const hook = hooks[name]
    disown(hook)
    if (hook && !isFunction(hook)) throw refuse(`${show(hook)} as the hook ${name}: expected a function`)
  }
}

/** @returns the parts of these names that are there, with functions that need no `this` */
function readParts<Name extends keyof Parts>(returned: object, names: readonly Name[], refuse: Refuse) {
  checkNames(returned, names, 'part', refuse)
  const parts: Partial<Record<Name, unknown>> = {}
  for (const name of names) {
    const part: unknown = Reflect.get(returned, name) ?? undefined
    if (part === undefined) continue
    const [what, fits] = kinds[name]
    disown(part)
    if (!fits(part)) throw refuse(`${show(part)} as ${name}: expected ${what}`)
    if (name === 'hooks' && isObject(part)) checkHooks(part, refuse)
    parts[name] = typeof part === 'function' ? part.bind(returned) : part
  }
  return parts as Pick<Parts, Name>
}

function refusal(plugin: string, from: string): Refuse {
  return (what) => coreError('PLUGIN_INVALID', { plugin, what: `${from} returned ${what}` })
}

/** @param returned what `setup` returned @throws PLUGIN_INVALID, and what reading the parts throws */
export function checkParts(plugin: string, returned: unknown): Parts {
  const refuse = refusal(plugin, 'setup')
  if (!isObject(returned)) throw refuse(`${show(returned)}: expected an object of parts`)
  if (isThenable(returned)) {
    disown(returned)
    throw refuse('a promise: setup is synchronous, open what the plugin needs in start')
  }
  return readParts(returned, allParts, refuse)
}

/**
 * @param returned what `reconfigure` returned
 * @returns the parts that are named there; undefined for one that the plugin has no longer, as in the answer of `setup`
 * @throws as {@link checkParts}
 */
export function readRequestParts(plugin: string, returned: unknown): RequestParts {
  if (returned === undefined || returned === null) return {}
  const refuse = refusal(plugin, 'reconfigure')
  if (!isObject(returned)) throw refuse(`${show(returned)}: expected { routes, hooks } or nothing`)
  const parts = readParts(returned, requestParts, refuse)
  return Object.fromEntries(requestParts.flatMap((name) => (name in returned ? [[name, parts[name]]] : [])))
}

/** @param returned what `handover` returned @throws as {@link checkParts} */
export function readHandover(plugin: string, returned: unknown): Handover {
  if (returned === undefined || returned === null) return { state: undefined, resume() {} }
  const refuse = refusal(plugin, 'handover')
  if (!isObject(returned)) throw refuse(`${show(returned)}: expected { state, resume }`)
  const { state } = returned
  if (isThenable(state)) {
    disown(state)
    throw refuse('a promise as state: await it before you return')
  }
  return { state, resume: () => (returned as Partial<Handover>).resume?.() }
}

export function checkServices(plugin: string, provides: object = {}, services: object = {}): void {
  const [declared, returned] = [provides, services].map((each) => Object.keys(each).sort().join(', '))
  if (declared !== returned) throw coreError('PLUGIN_SERVICES_MISMATCH', { plugin, declared, returned })
}

/** @param from what gave the value @returns the value @throws PLUGIN_INVALID for what nobody can call */
function checkService(plugin: string, from: string, value: unknown): unknown {
  disown(value)
  if (value !== undefined && value !== null && !isThenable(value)) return value
  const seen = isObject(value) ? 'a promise' : show(value)
  throw coreError('PLUGIN_INVALID', { plugin, what: `${from} is ${seen}: expected the object that its holders call` })
}

/**
 * Reads each service once.
 * @param fault charges the plugin where it fails to make the object of a holder
 * @returns the services by id
 * @throws PLUGIN_INVALID, and what reading a service throws
 */
export function readServices(
  plugin: string,
  { provides = {}, services = {} }: { provides?: TokenMap | undefined; services?: Parts['services'] },
  fault: (phase: string, error: unknown) => void,
): Map<string, unknown> {
  const read = (id: string, service: unknown) =>
    madeThrough(checkService(plugin, `the service ${id}`, service), (make, holder) => {
      const whose = holder === undefined ? 'the application' : `plugin ${holder.name}`
      try {
        return checkService(plugin, `the service ${id} that perHolder makes for ${whose}`, make())
      } catch (error) {
        fault(`the service ${id} for ${whose}`, error)
        const why = `: plugin ${plugin} failed to make it for ${whose}: ${messageOf(error)}`
        throw coreError('SERVICE_UNAVAILABLE', { service: id, why }, error)
      }
    })
  return new Map(Object.entries(provides).map(([key, { id }]) => [id, read(id, services[key])]))
}

/** @returns a copy with the same value @throws PLUGIN_INVALID for anything but the result of a point */
export function checkContribution(plugin: string, contribution: unknown): Contribution {
  disown(contribution)
  const { kind, id } = Object(contribution) as Partial<ExtensionPoint<unknown>>
  const { point, value } = Object(contribution) as Partial<Contribution>
  disown(value)
  if (kind !== 'extensionPoint' && typeof point === 'string') return { point, value }
  const seen = kind === 'extensionPoint' ? `the extension point ${id} itself` : show(contribution)
  const what = `${seen} was contributed: call an extension point with the value, and contribute the result`
  throw coreError('PLUGIN_INVALID', { plugin, what })
}
