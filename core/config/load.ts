/** Reads a configuration: files, overlay, environment, presets, schemas; all problems together, nothing started. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { ConfigProblem } from '../contract/config-problem.ts'
import type { AnyPlugin, Catalog, Environment } from '../contract/definition.ts'
import { messageOf } from '../contract/errors.ts'
import { inTurns, yieldToLoop } from '../process/clock.ts'
import { conflicts } from './conflicts.ts'
import { effective } from './effective.ts'
import { applyEnvironment, type EnvironmentOverlay } from './environment.ts'
import { ConfigError, problem, settled } from './errors.ts'
import { withImplied } from './implied.ts'
import { findPlugin, type NamedPlugin } from './plugins.ts'
import { type Checked, problemsOf, wronglyTyped } from './schema/issues.ts'
import { environments, RootConfig, reserved, reservedKeys, rootPresets } from './schema/root-config.ts'
import {
  assign,
  type Entry,
  emptyTree,
  fromPlain,
  locate,
  merge,
  type Node,
  type Tree,
  toPlain,
  valueAt,
} from './tree/node.ts'
import { type ReadFiles, readFiles } from './tree/read.ts'
import type { Described, PluginSection, RuntimeConfig, Source } from './types.ts'

export interface LoadOptions {
  /** Path of config.yaml. */
  readonly file?: string
  /** The configuration itself, taken literally: no `include`, no `${...}`. */
  readonly object?: unknown
  readonly env: Readonly<Record<string, string | undefined>>
  /** The plugins that are known by name. */
  readonly catalog: Catalog
  readonly overlays: readonly EnvironmentOverlay[]
  /** Plugins defined in code: enabled, with `{}` where the configuration does not name them, and preferred to the catalog. */
  readonly plugins?: readonly AnyPlugin[]
  /** A file to read in place of `data/overlay.yaml`, to plan a change. */
  readonly overlayFile?: string
  /** Reads files in another way. @default on this thread */
  readonly read?: ReadFiles
  /** Directory to which `file`, and without a file every path, is relative. */
  readonly cwd: string
}

function mapEntries(tree: Node, change: (node: Node, key: string) => Node): Node {
  if (tree.kind !== 'map') return tree
  const entries = [...tree.entries].map(([key, entry]) => [key, { ...entry, node: change(entry.node, key) }] as const)
  return { ...tree, entries: new Map(entries) }
}

const filled = (node: Node): Node =>
  node.kind === 'scalar' && node.value === null && !node.broken ? emptyTree(node.source) : node

/** An empty section means a section of defaults. */
const withoutNulls = (tree: Node): Node =>
  mapEntries(tree, (node, key) => (key === 'plugins' ? mapEntries(filled(node), filled) : filled(node)))

function fromCode(object: unknown, problems: ConfigProblem[]): Node {
  const source: Source = { kind: 'code' }
  try {
    const tree = fromPlain(object ?? {}, source)
    if (tree.kind === 'map') return tree
    problems.push(problem('CONFIG_VALUE', { what: 'expected a map of settings' }, []))
  } catch (thrown) {
    problems.push(problem('CONFIG_VALUE', { what: `expected plain data: ${messageOf(thrown)}` }, []))
  }
  return emptyTree(source)
}

const filtered = (node: Node, keeps: (key: string) => boolean): Node =>
  node.kind === 'map' ? { ...node, entries: new Map([...node.entries].filter(([key]) => keeps(key))) } : node

const pluginsOf = (tree: Node): Tree['entries'] => {
  const { node } = locate(tree, ['plugins'])
  return node?.kind === 'map' ? node.entries : new Map()
}

/** Applies a schema. @returns the output, or undefined if there are problems */
function check<Out>(
  checked: Checked & { readonly schema: z.ZodType<Out> },
  omit: readonly string[],
  problems: ConfigProblem[],
) {
  for (;;) {
    const value = toPlain(filtered(locate(checked.root, checked.path).node!, (key) => !omit.includes(key)))
    const { data, error } = checked.schema.safeParse(value)
    if (error === undefined) return data
    const texts = wronglyTyped(error.issues, checked)
    for (const { scalar, text } of texts) scalar.value = text
    if (texts.length > 0) continue
    problems.push(...problemsOf(error.issues, checked))
    return undefined
  }
}

function section(plugin: NamedPlugin, root: Node, partial: boolean, problems: ConfigProblem[]): PluginSection {
  const { name, definition, enabled, from, enabledBy } = plugin
  const path = ['plugins', name]
  const shared = { name, definition, required: valueAt(root, [...path, 'required']) === true, from, enabledBy }
  if (!enabled) return { ...shared, config: undefined, disabled: 'enabled: false' }
  try {
    const checked = { root, path, schema: definition.config, reserved: reservedKeys, partial }
    const config = check(checked, reservedKeys, problems)
    return { ...shared, config, disabled: config === undefined ? undefined : definition.unconfigured?.(config) }
  } catch (thrown) {
    const what = `its configuration cannot be checked: ${messageOf(thrown)}`
    problems.push(problem('PLUGIN_INVALID', { plugin: name, what }, path, locate(root, path).key))
    return { ...shared, config: undefined }
  }
}

function* describe(root: Node, plugins: readonly NamedPlugin[]): Generator<void, Described> {
  const sources = new Map<string, Source>()
  const ownSchemas = [RootConfig.omit({ plugins: true })]
  const shown = (yield* effective(
    ownSchemas,
    filtered(root, (key) => key !== 'plugins'),
    [],
    sources,
  )) as object
  const sections: Record<string, unknown> = {}
  for (const { name, definition, enabled, from } of plugins) {
    const { node } = locate(root, ['plugins', name])
    const own = enabled || from === undefined
    const visible = own || node === undefined ? node : filtered(node, (key) => reservedKeys.includes(key))
    const schemas = [z.object(reserved), ...(own ? [definition.config] : [])]
    sections[name] = yield* effective(schemas, visible, ['plugins', name], sources)
  }
  return { effective: { ...shown, plugins: sections }, sources }
}

/** @throws ConfigError (CONFIG_INVALID) with every problem found, and nothing else */
export async function loadConfig({
  file,
  object,
  env,
  catalog,
  overlays,
  plugins = [],
  overlayFile,
  read = readFiles,
  cwd,
}: LoadOptions): Promise<RuntimeConfig> {
  const problems: ConfigProblem[] = []
  const files = new Set<string>()
  const readOf = async (file: string, kind: 'file' | 'overlay') => {
    const result = await read({ file, kind, env })
    problems.push(...result.problems)
    for (const each of result.files) files.add(each)
    return result.node
  }
  const main = file === undefined ? undefined : resolve(cwd, file)
  const baseDir = main === undefined ? cwd : dirname(main)
  let root = withoutNulls(main === undefined ? fromCode(object, problems) : (await readOf(main, 'file'))!)

  const dataDir = (tree: Node) => {
    const value = valueAt(tree, ['data'])
    return resolve(baseDir, typeof value === 'string' && value !== '' ? value : './data')
  }
  const overlay = overlayFile ?? join(dataDir(root), 'overlay.yaml')
  const overlaid = existsSync(overlay) ? await readOf(overlay, 'overlay') : undefined
  if (overlaid !== undefined) root = merge(root, withoutNulls(overlaid))
  root = applyEnvironment(root, overlays, env, problems)

  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  for (const name of byName.keys()) {
    if (!pluginsOf(root).has(name)) root = assign(root, ['plugins', name], emptyTree({ kind: 'code' }))
  }
  const known = { catalog, plugins: byName, baseDir }
  const find = async (entries: Iterable<readonly [string, Entry]>) =>
    (await Promise.all([...entries].map(([name, entry]) => findPlugin(name, entry, known, problems)))).filter(
      (each) => each !== undefined,
    )
  const named: NamedPlugin[] = await find(pluginsOf(root))
  const implied = withImplied(root, named, (name) => Object.hasOwn(catalog, name), problems)
  root = implied.root
  const added = await find([...pluginsOf(root)].filter(([name]) => implied.added.has(name)))
  named.push(...added.map((each) => ({ ...each, enabledBy: implied.added.get(each.name) })))

  const chosen = valueAt(root, ['environment'])
  const environment: Environment = environments.find((each) => each === chosen) ?? 'development'
  const preset = {
    ...(locate(root, ['server']).node && rootPresets[environment]),
    plugins: Object.fromEntries(named.map(({ name, definition }) => [name, definition.presets?.[environment]])),
  }
  root = merge(fromPlain(preset, { kind: 'preset', environment }), root)

  const partial = problems.some(({ code }) =>
    ['CONFIG_SYNTAX', 'CONFIG_FILE_UNREADABLE', 'CONFIG_INCLUDE'].includes(code),
  )
  const parsed = check({ root, path: [], schema: RootConfig, reserved: ['include'], partial }, [], problems)
  const sections: PluginSection[] = []
  for (const each of named) {
    if (locate(root, ['plugins', each.name]).node?.kind !== 'map') continue
    // Options that the implying section holds are reported there.
    if (each.enabledBy?.some((name) => sections.some((other) => other.name === name && other.config === undefined)))
      continue
    // A reload must not hold up requests for as long as all schemas take together.
    await yieldToLoop()
    sections.push(section(each, root, partial, problems))
  }
  if (parsed !== undefined && problems.length === 0) {
    const { environment, server } = parsed
    const isForeign = ({ name, from }: PluginSection) => from !== undefined || byName.has(name)
    problems.push(...conflicts(sections, root, { environment, server }, isForeign))
  }
  if (parsed === undefined || problems.length > 0) throw new ConfigError(settled(problems))

  const { server, workers, monitoring } = parsed
  let described: Promise<Described> | undefined
  return {
    environment: parsed.environment,
    server: server && {
      host: server.host,
      port: server.port,
      maxBodyBytes: server.limits.body,
      maxUrlLength: server.limits.url,
      drainDelayMs: server.drainDelay,
      drainTimeoutMs: server.drainTimeout,
    },
    dataDir: dataDir(root),
    workers,
    autoStart: monitoring.autoStart,
    files: [...files],
    plugins: sections,
    describe() {
      described ??= inTurns(describe(root, named))
      return described
    },
  }
}
