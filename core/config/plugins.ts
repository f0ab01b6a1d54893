/** Finds the definition of each plugin that the configuration names. */
import { dirname, isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../contract/clock.ts'
import { didYouMean } from '../contract/closest.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import { type AnyPlugin, type Catalog, contractApi } from '../contract/definition.ts'
import { ArkwatchError, messageOf } from '../contract/errors.ts'
import { type Shape, shapeProblem } from '../contract/foreign/shape.ts'
import { show } from '../contract/redact/redactor.ts'
import type { TokenMap } from '../contract/tokens.ts'
import { problem, problemAt } from './errors.ts'
import { describeImportError } from './import-error.ts'
import { forgetRefused, importPlugin } from './import-plugin.ts'
import { environments } from './schema/root-config.ts'
import { hasSecretKeys } from './schema/schema-walk.ts'
import { isMap } from './tree/json-merge-patch.ts'
import { type Entry, locate, type Path, showKey, valueAt } from './tree/node.ts'

interface Known {
  readonly catalog: Catalog
  /** Given in code, by name. */
  readonly plugins: ReadonlyMap<string, AnyPlugin>
  /** Directory to which a `from` outside a file is relative. */
  readonly baseDir: string
  readonly clock: Clock
}

export interface NamedPlugin {
  readonly name: string
  readonly definition: AnyPlugin
  readonly enabled: boolean
  readonly from?: string
  readonly enabledBy?: readonly string[]
  readonly isStandIn?: boolean
}

/** The versions of the plugins of one's own that this process imported, by `from` resolved to a path. */
const importedVersions = new Map<string, string>()

/** The definition of a switched-off plugin of one's own, which is not imported. */
const notLoaded = (name: string, version = 'unknown'): AnyPlugin => ({
  api: contractApi,
  name,
  version,
  summary: 'Not loaded.',
  config: z.unknown(),
  setup: () => ({}),
})

const definitionShape: Shape<AnyPlugin> = {
  ...{ api: 'number', name: 'text', version: 'text', summary: 'text?', config: 'object', setup: 'function' },
  ...{ provides: 'object?', needs: 'object?', wants: 'object?' },
  ...{ implies: 'object?', presets: 'object?', deadlines: 'object?', exclusive: 'flag?', holdsState: 'flag?' },
  ...{ packages: 'texts?', unconfigured: 'function?', conflicts: 'function?', offers: 'function?' },
  listens: 'function?',
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every((each) => typeof each === 'string')
const isToken = (value: unknown) => (value as Partial<TokenMap[string]> | null | undefined)?.kind === 'service'
const isPeriod = (value: unknown) => value === undefined || (Number.isFinite(value) && (value as number) > 0)

type MapField = readonly [what: string, fits: (value: unknown) => boolean, keys?: readonly string[]]
const tokens: MapField = ['a service token', isToken]
/** What each value of the fields that are maps must be, and the keys that there are. */
const maps = {
  ...{ provides: tokens, needs: tokens, wants: tokens },
  implies: ['an object of lists of keys', (value) => isMap(value) && Object.values(value).every(isTexts)],
  presets: ['an object', (value) => value === undefined || isMap(value), environments],
  deadlines: ['a number of milliseconds above 0', isPeriod, ['start', 'ready', 'stop']],
} satisfies Partial<Record<keyof AnyPlugin, MapField>>

/** @returns what is wrong within a field, or undefined */
function fieldsProblem(definition: AnyPlugin): string | undefined {
  for (const [field, [what, fits, keys]] of Object.entries<MapField>(maps)) {
    const map: unknown = definition[field as keyof typeof maps] ?? {}
    if (!isMap(map)) return `${field} must be an object, got ${show(map)}`
    for (const [key, value] of Object.entries(map)) {
      if (keys?.includes(key) === false)
        return `${field}.${key} is unknown: ${didYouMean(key, keys) ?? `the keys are ${keys.join(', ')}`}`
      if (!fits(value)) return `${field}.${key} must be ${what}, got ${show(value)}`
    }
  }
  return undefined
}

/** @returns why a value is not a definition for this contract, or undefined @throws what reading the value throws */
function refuse(name: string, value: unknown): readonly ['PLUGIN_INVALID' | 'PLUGIN_API_MISMATCH', object] | undefined {
  const invalid = (what: string) => ['PLUGIN_INVALID', { plugin: name, what }] as const
  if (typeof value !== 'object' || value === null)
    return invalid('its default export is not a plugin definition, made by definePlugin({...})')
  const { api, name: own, version, config, setup } = value as Partial<AnyPlugin>
  if (typeof api !== 'number') return invalid('its definition has no number `api`')
  if (api !== contractApi) return ['PLUGIN_API_MISMATCH', { plugin: name, seen: api, wanted: contractApi }]
  if (typeof own !== 'string' || typeof version !== 'string')
    return invalid('its definition needs `name` and `version`')
  if (typeof config?.safeParseAsync !== 'function') return invalid('its definition has no zod schema `config`')
  if ('_zod' in config && hasSecretKeys(config))
    return invalid('its `config` has a map with keys of secret(), and keys are shown: use a list of objects')
  if (typeof setup !== 'function') return invalid('its definition has no function `setup`')
  const what = shapeProblem(definitionShape, value) ?? fieldsProblem(value as AnyPlugin)
  return what === undefined ? undefined : invalid(`its definition: ${what}`)
}

const isPath = (from: string) => /^\.{1,2}(\/|$)/.test(from) || isAbsolute(from)

const fileOf = (from: string, folder: string) => (isPath(from) ? resolve(folder, from) : Bun.resolveSync(from, folder))

/** Of the catalog, given in code, or named by `from`. @returns undefined for a failure, which is added to `problems` */
export async function findPlugin(
  name: string,
  { key, node }: Entry,
  { catalog, plugins, baseDir, clock }: Known,
  problems: ConfigProblem[],
): Promise<NamedPlugin | undefined> {
  const path: Path = ['plugins', name]
  const enabled = valueAt(node, ['enabled']) !== false
  const source = locate(node, ['from']).node?.source
  const from = valueAt(node, ['from']) as string | undefined
  if (source !== undefined && typeof from !== 'string') return undefined
  let definition: unknown
  const folder = source && 'file' in source ? dirname(source.file) : baseDir
  const origin = resolve(folder, from ?? '')
  let file = folder
  try {
    if (from !== undefined) {
      if (!enabled) {
        const definition = notLoaded(name, importedVersions.get(origin))
        return { name, definition, enabled, from, isStandIn: true }
      }
      file = fileOf(from, folder)
      definition = await importPlugin(file, name, clock)
    } else if (plugins.has(name)) definition = plugins.get(name)
    else if (Object.hasOwn(catalog, name)) definition = (await catalog[name]!()).default
    else {
      const known = [...new Set([...Object.keys(catalog), ...plugins.keys()])].sort()
      const details = { plugin: showKey(name), known: known.join(', ') }
      problems.push(problem('PLUGIN_UNKNOWN', details, path, key, didYouMean(name, known)))
      return undefined
    }
  } catch (thrown) {
    const at = [...path, ...(from ? ['from'] : [])]
    if (thrown instanceof ArkwatchError) {
      const help = 'Open in `start` what the module awaits at its top level, and restart the process.'
      problems.push(problemAt(thrown, at, source ?? key, help))
      return undefined
    }
    const { what, help } =
      from === undefined
        ? { what: messageOf(thrown), help: 'The installation is damaged.' }
        : describeImportError(thrown, file)
    const details = { plugin: name, what: `cannot be imported: ${what}` }
    problems.push(problem('PLUGIN_INVALID', details, at, source ?? key, help))
    return undefined
  }
  let refusal: ReturnType<typeof refuse>
  try {
    refusal = refuse(name, definition)
  } catch (thrown) {
    refusal = ['PLUGIN_INVALID', { plugin: name, what: `its definition cannot be read: ${messageOf(thrown)}` }]
  }
  if (refusal === undefined) {
    const made = definition as AnyPlugin
    if (from !== undefined) importedVersions.set(origin, made.version)
    return { name, definition: made, enabled, from }
  }
  if (from !== undefined) await forgetRefused(file).catch(() => {})
  problems.push(problem(refusal[0], { ...refusal[1] }, path, source ?? key))
  return undefined
}
