/** Checks of the values that a plugin returns. Pure. */
import { didYouMean } from '../contract/closest.ts'
import type { PluginParts, RequestParts } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { show } from '../contract/redact/redactor.ts'
import type { TokenMap } from '../contract/tokens.ts'

type Parts = PluginParts<unknown, TokenMap>
const requestParts = ['routes', 'hooks'] as const satisfies readonly (keyof RequestParts)[]
const allParts = [
  ...['services', 'contributes', ...requestParts],
  ...['start', 'ready', 'reconfigure', 'handover', 'stop'],
] as readonly (keyof Parts)[]

/** Names an unknown part. An instance of a class may have fields besides its parts. */
function checkNames(plugin: string, from: string, returned: object, known: readonly string[]): void {
  const prototype = Object.getPrototypeOf(returned)
  if (prototype !== Object.prototype && prototype !== null) return
  const unknown = Object.keys(returned).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const advice = didYouMean(unknown, known) ?? `the parts are ${known.join(', ')}`
  throw coreError('PLUGIN_INVALID', { plugin, what: `${from} returned the unknown part ${show(unknown)}: ${advice}` })
}

/** @param returned what `setup` returned @throws PLUGIN_INVALID */
export function checkParts(plugin: string, returned: unknown): Parts {
  const refuse = (what: string) => coreError('PLUGIN_INVALID', { plugin, what: `setup returned ${what}` })
  if (returned instanceof Promise) {
    returned.catch(() => {})
    throw refuse('a promise: setup is synchronous, open what the plugin needs in start')
  }
  if (typeof returned !== 'object' || returned === null) throw refuse(`${show(returned)}: expected an object of parts`)
  checkNames(plugin, 'setup', returned, allParts)
  return returned
}

/** @param returned what `reconfigure` returned @throws PLUGIN_INVALID */
export function checkRequestParts(plugin: string, returned: unknown): RequestParts {
  if (typeof returned !== 'object' || returned === null) return {}
  checkNames(plugin, 'reconfigure', returned, requestParts)
  return returned
}
