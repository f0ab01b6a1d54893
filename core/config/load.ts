/** Reads a configuration: files, overlay, environment, presets, schemas; all problems together, nothing started. */
import type { Clock } from '../contract/clock.ts'
import type { ConfigProblem } from '../contract/config-problem.ts'
import type { AnyPlugin, Catalog, DeclaredListener, Environment } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { inTurns, systemClock } from '../process/clock.ts'
import { conflicts } from './conflicts.ts'
import { missingPackage } from './definitions/packages.ts'
import { describeConfig } from './effective.ts'
import { ConfigError, isUnread, problemAt, settled } from './errors.ts'
import { readGraph } from './graph.ts'
import { withImplied } from './implied.ts'
import { listenerProblems } from './listeners.ts'
import { type LayerOptions, mergeLayers } from './merge-layers.ts'
import { findPlugin, type NamedPlugin } from './plugins.ts'
import { environments, RootConfig, rootPresets } from './schema/root-config.ts'
import { assign, type Entry, emptyTree, fromPlain, locate, merge, type Node, type Tree, valueAt } from './tree/node.ts'
import type { Described, PluginSection, RuntimeConfig } from './types.ts'
import { validate, validateSection } from './validate.ts'

export interface LoadOptions extends LayerOptions {
  /** The plugins that are known by name. */
  readonly catalog: Catalog
  /** Plugins defined in code: enabled, with `{}` without a section, and preferred to the catalog. */
  readonly plugins?: readonly AnyPlugin[]
  /** Limits the import and the schema of a plugin. @default the system's clock */
  readonly clock?: Clock
}

const pluginsOf = (tree: Node): Tree['entries'] => {
  const { node } = locate(tree, ['plugins'])
  return node?.kind === 'map' ? node.entries : new Map()
}

/** @throws ConfigError (CONFIG_INVALID) with every problem found; DATA_FILE_DAMAGED at a start; and nothing else */
export async function loadConfig({
  catalog,
  plugins = [],
  clock = systemClock,
  ...layers
}: LoadOptions): Promise<RuntimeConfig> {
  const problems: ConfigProblem[] = []
  const { tree, files, baseDir, dataDirOf } = await mergeLayers(layers, problems)
  let root = tree

  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  for (const name of byName.keys()) {
    if (!pluginsOf(root).has(name)) root = assign(root, ['plugins', name], emptyTree({ kind: 'code' }))
  }
  const known = { catalog, plugins: byName, baseDir, clock }
  function* begin(entries: Iterable<readonly [string, Entry]>) {
    const finds: ReturnType<typeof findPlugin>[] = []
    for (const [name, entry] of entries) {
      finds.push(findPlugin(name, entry, known, problems))
      yield
    }
    return finds
  }
  const find = async (entries: Iterable<readonly [string, Entry]>) =>
    (await Promise.all(await inTurns(begin(entries)))).filter((each) => each !== undefined)
  const named: NamedPlugin[] = await find(pluginsOf(root))
  const implied = withImplied(root, named, catalog, problems)
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

  const partial = problems.some(isUnread)
  const { data: parsed } = await validate(
    { root, path: [], schema: RootConfig, reserved: ['include'], partial },
    [],
    problems,
    clock,
  )
  const sections: PluginSection[] = []
  for (const each of named) {
    if (locate(root, ['plugins', each.name]).node?.kind !== 'map') continue
    // Options that the implying section holds are reported there.
    if (each.enabledBy?.some((name) => sections.some((other) => other.name === name && other.config === undefined)))
      continue
    sections.push(await validateSection(each, root, partial, problems, clock))
  }
  // A plugin that was not found may provide what others need.
  if (!partial && sections.length === pluginsOf(root).size)
    for (const { plugin, error } of readGraph(sections).errors) {
      const { service } = error.details
      const isKnown = error.code === 'SERVICE_UNAVAILABLE' && Object.hasOwn(catalog, String(service))
      const help = isKnown ? `Name the plugin ${service} under \`plugins\`.` : undefined
      problems.push(problemAt(error, ['plugins', plugin], locate(root, ['plugins', plugin]).key, help))
    }
  for (const { name: plugin, definition, required, disabled } of sections) {
    const cause = required && disabled === undefined ? missingPackage(plugin, definition) : undefined
    if (cause === undefined) continue
    const error = coreError('PLUGIN_REQUIRED_FAILED', { plugin, state: 'failed', reason: cause.message }, cause)
    problems.push(problemAt(error, ['plugins', plugin], locate(root, ['plugins', plugin]).key))
  }
  let all: readonly DeclaredListener[] = []
  if (parsed !== undefined && problems.length === 0) {
    const { environment, server } = parsed
    const isForeign = ({ name, from }: PluginSection) => from !== undefined || byName.has(name)
    const { found, listeners } = conflicts(sections, root, { environment, server }, isForeign)
    all = server === undefined ? listeners : [{ ...server, path: ['server'] }, ...listeners]
    problems.push(...found, ...(await listenerProblems(all, root, dataDirOf(root))))
  }
  if (parsed === undefined || problems.length > 0) {
    const fromCode = 'Fix what each line names, in the configuration that the application gives.'
    throw new ConfigError(settled(problems), layers.file === undefined ? fromCode : undefined, files)
  }

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
    listeners: all,
    dataDir: dataDirOf(root),
    workers,
    autoStart: monitoring.autoStart,
    files,
    plugins: sections,
    describe() {
      described ??= inTurns(describeConfig(root, named))
      return described
    },
  }
}
