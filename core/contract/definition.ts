/** The definition of a plugin, and what belongs to it. */
import type { Hono } from 'hono'
import type { z as zod } from 'zod'
import type { Clock, EveryOptions } from './clock.ts'
import type { Logger } from './logger.ts'
import type { RequestHooks } from './request-hooks.ts'
import type { Workers } from './tasks.ts'
import type { Contribution, ExtensionPoint, Extensions, ServicesOf, TokenMap, WantedServicesOf } from './tokens.ts'

/** The version of this contract. A plugin for another one is refused. */
export const contractApi = 1

export type Environment = 'development' | 'testing' | 'staging' | 'production'

export type StopReason = 'shutdown' | 'reload' | 'failed'

/** What a plugin can say about itself while it runs. */
export type RunState = 'ok' | 'degraded'

/** What `handover` gives: the state for the successor, and the way back if the successor fails. */
export interface Handover {
  readonly state: unknown
  /** Takes up work again where `handover` paused it. Called if the successor did not start. */
  resume(): void | Promise<void>
}

/** What `setup` gets. Everything opened through it is undone by the host, last in first out, exactly once. */
export interface PluginContext<Config, Needs extends TokenMap, Wants extends TokenMap> {
  readonly name: string
  readonly config: Config
  readonly environment: Environment
  /** Absolute path of the data directory. */
  readonly dataDir: string
  /**
   * The plugin's own subdirectory of the data directory, `data/<name>/`, made for the owner alone (0700) by the first call.
   * For new files only: a file that older versions keep elsewhere stays there.
   * @returns its absolute path
   * @throws PLUGIN_INVALID in `setup`, which opens nothing; call it in `start` or later
   */
  pluginDataDir(): string
  readonly needs: ServicesOf<Needs>
  /** `undefined` where the provider is off. */
  readonly wants: WantedServicesOf<Wants>
  /** The live list of what others contributed to a point of this plugin. */
  extensions<T>(point: ExtensionPoint<T>): Extensions<T>
  /** Adds a contribution at run time. @returns takes it back */
  contribute(contribution: Contribution): () => void
  /** Time; its timers end with the plugin, and what they throw is counted and turns the plugin degraded. */
  readonly clock: PluginClock
  readonly log: Logger
  readonly workers: Workers
  /** Aborted when the plugin begins to stop. */
  readonly signal: AbortSignal
  /** Registers an undo, run after `stop`. */
  defer(undo: () => void | Promise<void>): void
  /** Says how the plugin is. `reason` is shown to operators: no secrets. */
  report(state: RunState, reason?: string): void
  /** The state that `handover` of the predecessor gave, on a reload. */
  readonly inherited: unknown
}

export interface PluginClock extends Clock {
  /**
   * As {@link Clock.every}. With `monitoring: true` a tick waits, and those after it are left out, while monitoring is paused
   * (MONITORING_AUTO_START=false, until `arkwatch resume`).
   */
  every(ms: number, call: () => void | Promise<void>, options?: EveryOptions & { monitoring?: boolean }): () => void
}

/** The parts of a plugin on the request path. */
export interface RequestParts {
  /** Public routes, mounted at the root of the public listener. */
  readonly routes?: Hono | undefined
  readonly hooks?: RequestHooks | undefined
}

/** What `setup` returns, read once. */
export interface PluginParts<Config, Provides extends TokenMap> extends RequestParts {
  /** Exactly the keys of `provides`. Published after `start` succeeded. */
  readonly services?: ServicesOf<Provides>
  readonly contributes?: readonly Contribution[]
  /** Opens what the plugin needs. */
  start?(): void | Promise<void>
  /** Runs when every plugin has started and the listener is open. */
  ready?(): void | Promise<void>
  /**
   * Takes a new configuration in place. A throw keeps the old one and rolls the reload back. A plugin without `reconfigure`
   * is replaced.
   * @returns the routes or hooks that changed, in force from the swap; a part that is left out stays as it is
   */
  reconfigure?(next: Config): void | RequestParts | Promise<void> | Promise<RequestParts | undefined>
  /** Pauses this instance and gives its state to its successor. */
  handover?(): Handover | Promise<Handover>
  /** Flushes. Safe without `start` and twice. */
  stop?(reason: StopReason): void | Promise<void>
}

/** What a plugin may know of the configuration outside its own section. */
export interface ConfigContext {
  readonly environment: Environment
  /** The public listener; undefined when embedded. */
  readonly server: { readonly host: string; readonly port: number } | undefined
  /**
   * The names that enabled plugins declare by `offers`.
   * @param point id of an extension point
   * @returns the names; `complete` is false where a plugin from elsewhere declares no names and may contribute any
   */
  offered(point: string): { readonly names: readonly string[]; readonly complete: boolean }
}

/** @deprecated use {@link ConfigContext} */
export type House = ConfigContext

/** Something that the configuration as a whole forbids. */
export interface Conflict {
  /** Where in the section, `['listen', 'port']`; with `[]` the section itself. */
  readonly path: readonly (string | number)[]
  readonly what: string
  /** What to do, `did you mean "x"?`. */
  readonly help?: string | undefined
}

export interface PluginDefinition<
  Schema extends zod.ZodType,
  Provides extends TokenMap,
  Needs extends TokenMap,
  Wants extends TokenMap,
> {
  /** The contract version that the plugin was written for. */
  readonly api: number
  /** `lower_snake_case`, the key of its section in config.yaml. */
  readonly name: string
  readonly version: string
  /** One sentence. */
  readonly summary: string
  /** A strict zod object; every field described. Its `{}` must parse unless the README lists what is required. */
  readonly config: Schema
  /** Values laid under config.yaml for an environment, over the schema's defaults. */
  readonly presets?: Partial<Record<Environment, zod.input<Schema>>>
  readonly provides?: Provides
  readonly needs?: Needs
  readonly wants?: Wants
  /** Milliseconds. @default start 10_000, ready 10_000, stop 5_000 */
  readonly deadlines?: { readonly start?: number; readonly ready?: number; readonly stop?: number }
  /** It holds a lock or a listener: on replacement the old instance stops before the new one starts. @default false */
  readonly exclusive?: boolean
  /** Whether it holds anything in memory that a restart loses; plans say so. @default true */
  readonly holdsState?: boolean
  /** npm packages that only this plugin needs (optionalDependencies), imported inside `start`. */
  readonly packages?: readonly string[]
  /** Why the plugin has nothing to do with this config (an empty URL): it is then `disabled`, which is no error. */
  unconfigured?(config: zod.output<Schema>): string | undefined
  /**
   * What the configuration as a whole forbids, for one that its schema cannot see. The boot, or the reload, is refused.
   * @returns every problem
   */
  conflicts?(config: zod.output<Schema>, context: ConfigContext): readonly Conflict[]
  /**
   * Names under which the plugin will contribute, by the id of the extension point, so that others can refer to them in
   * their configuration. A plugin from elsewhere that does not say may contribute any.
   */
  offers?(config: zod.output<Schema>): Readonly<Record<string, readonly string[]>>
  /** Wires and opens nothing. Synchronous. */
  setup(context: PluginContext<zod.output<Schema>, Needs, Wants>): PluginParts<zod.output<Schema>, Provides>
}

/** A definition whose types are erased, as the host handles it. */
// biome-ignore lint/suspicious/noExplicitAny: erases four type parameters; only the host uses it
export type AnyPlugin = PluginDefinition<zod.ZodType, any, any, any>

/** Declares a plugin. Importing it does nothing. @returns the definition itself, with its types inferred */
export function definePlugin<
  Schema extends zod.ZodType,
  Provides extends TokenMap = Record<never, never>,
  Needs extends TokenMap = Record<never, never>,
  Wants extends TokenMap = Record<never, never>,
>(definition: PluginDefinition<Schema, Provides, Needs, Wants>): PluginDefinition<Schema, Provides, Needs, Wants> {
  return definition
}

/** The plugins that a runtime knows by name, each imported only when enabled. */
export type Catalog = Readonly<Record<string, () => Promise<{ default: unknown }>>>
