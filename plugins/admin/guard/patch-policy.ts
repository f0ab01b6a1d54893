/** PURE. What no role may change over the API: the guards of the API, its record, and the machine. */
import { hostIn, isLinkLocal, isMap, jsonPointer, mergePatch, type Plain } from '../../../core/plugin.ts'
import { adminError } from '../errors.ts'
import type { InvalidPart } from '../problem.ts'

const ownKeys = [
  ...['enabled', 'required', 'apiKey', 'services', 'listen', 'allowedHosts', 'allowedOrigins', 'endpoints'],
  ...['maxAccess', 'lockout'],
]
/** `*` is any key; what is below is meant, too. */
const guarded: readonly (readonly string[])[] = [
  ['data'],
  ['include'],
  ['plugins', '*', 'from'],
  ...ownKeys.map((key) => ['plugins', 'admin', key]),
  ['plugins', 'audit'],
  ...['enabled', 'required', 'file'].map((key) => ['plugins', 'store', key]),
  ['plugins', 'logging', 'file', 'path'],
  ['plugins', 'logging', 'errorFile', 'path'],
  ['plugins', 'logging', 'access', 'file'],
]

/** The values of a tree at the guarded places, by JSON pointer. */
function valuesAt(tree: Plain, [key, ...rest]: readonly string[], path: readonly string[] = []): [string, string][] {
  if (key === undefined) return [[jsonPointer(path), JSON.stringify(tree)]]
  if (!isMap(tree)) return []
  const keys = key === '*' ? Object.keys(tree) : key in tree ? [key] : []
  return keys.flatMap((each) => valuesAt(tree[each]!, rest, [...path, each]))
}

const guardedValues = (tree: Plain) => new Map(guarded.flatMap((path) => valuesAt(tree, path)))

function* textsOf(value: unknown, path: readonly PropertyKey[] = []): Generator<[readonly PropertyKey[], string]> {
  if (typeof value === 'string') yield [path, value]
  else if (typeof value === 'object' && value !== null)
    for (const [key, each] of Object.entries(value)) yield* textsOf(each, [...path, key])
}

/** What may not come in over the network, of one text. */
function faultOf(text: string): string | undefined {
  if (text.replaceAll('$$', '').includes('${')) return '${env:…} and ${file:…} are read from config.yaml alone'
  const host = hostIn(text.trim())
  return host !== undefined && isLinkLocal(host) ? `${host} is link-local or a metadata service` : undefined
}

/** @throws ADMIN_CONFIG_PROTECTED with the pointer of every setting that may not be changed; CONFIG_PATCH */
export function checkPatch(overlay: unknown, patch: unknown): void {
  const errors: InvalidPart[] = []
  const before = guardedValues(overlay as Plain)
  const after = guardedValues(mergePatch(overlay as Plain, patch as Plain))
  for (const pointer of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(pointer) !== after.get(pointer)) errors.push({ pointer, detail: 'it is set on the machine alone' })
  }
  for (const [path, text] of textsOf(patch)) {
    const detail = faultOf(text)
    if (detail !== undefined) errors.push({ pointer: jsonPointer(path), detail })
  }
  if (errors.length > 0) throw adminError('ADMIN_CONFIG_PROTECTED', { errors: errors.slice(0, 20) })
}

/** Without these plugins nobody could ask for anything, or no request would be on record. */
const ownPlugins = ['admin', 'audit', 'store']

/** @throws ADMIN_OWN_PLUGIN for a plugin that the API itself stands on */
export function refuseOwn(plugin: string): void {
  if (ownPlugins.includes(plugin)) throw adminError('ADMIN_OWN_PLUGIN', { plugin })
}

/** Settings that name a host without a scheme. */
const hostKeys = ['host', 'hostname', 'server', 'servername']
const maxNames = 50

/** The host names in a patch, each with its pointer; addresses are judged without a look-up. */
export function namesIn(patch: unknown): readonly (readonly [string, string])[] {
  const found: [string, string][] = []
  for (const [path, text] of textsOf(patch)) {
    if (!text.includes('://') && !hostKeys.includes(String(path.at(-1)))) continue
    const host = hostIn(text.trim())
    if (host !== undefined && host !== '' && !/^\[|^[\d.]+$|:/.test(host)) found.push([jsonPointer(path), host])
  }
  return found.slice(0, maxNames)
}
