/** The definition of a plugin, and what belongs to it. */
import type { Hono } from 'hono'
import type { z as zod } from 'zod'
import type { Clock, EveryOptions } from './clock.ts'
import type { Logger } from './logger.ts'
import type { RequestHooks } from './request-hooks.ts'
import type { Workers } from './tasks.ts'
import type {
  Contribution,
  ExtensionPoint,
  Extensions,
  ProvidedOf,
  ServicesOf,
  TokenMap,
  WantedServicesOf,
} from './tokens.ts'

/** The version of this contract. A plugin for another one is refused. */
export const contractApi = 1

export type Environment = 'development' | 'testing' | 'staging' | 'production'

export type StopReason = 'shutdown' | 'reload' | 'failed'

/** The states that a running plugin may report. */
export type RunState = 'ok' | 'degraded'

/** The state for the successor, and how the old instance continues if the successor fails. */
export interface Handover {
  readonly state: unknown
  /** Continues the work that `handover` suspended. Called if the new generation fails. */
  resume(): void | Promise<void>
}

/** The argument of `setup`. What is opened through the context is undone, last in first out, once. */
export interface PluginContext<Config, Needs extends TokenMap, Wants extends TokenMap> {
  readonly name: string
  readonly config: Config
  readonly environment: Environment
  /** Absolute path of the data directory. */
  readonly dataDir: string
  /**
   * The plugin's subdirectory `data/<name>/`, made (0700) by the first call. Files that older versions keep elsewhere
   * stay there.
   * @returns its absolute path @throws PLUGIN_INVALID in `setup`, which opens nothing; call it in `start` or later
   */
  pluginDataDir(): string
  readonly needs: ServicesOf<Needs>
  /** A service is `undefined` where its provider is not up. */
  readonly wants: WantedServicesOf<Wants>
  /** The live list of the contributions to an extension point of this plugin. */
  extensions<T>(point: ExtensionPoint<T>): Extensions<T>
  /** Adds a contribution at run time. @returns removes the contribution */
  contribute(contribution: Contribution): () => void
  /**
   * A clock whose timers end with the plugin: none is armed after the end, and a `sleep` never settles. An error of a
   * timer is a fault of the plugin.
   */
  readonly clock: PluginClock
  readonly log: Logger
  readonly workers: Workers
  /** Aborted when the plugin begins to stop. */
  readonly signal: AbortSignal
  /** Registers an undo, run after `stop`, and immediately after the end. */
  defer(undo: () => void | Promise<void>): void
  /** Reports the plugin's state. @param reason shown to operators: no secrets */
  report(state: RunState, reason?: string): void
  /** On a reload, the state that `handover` of the predecessor returned. */
  readonly inherited: unknown
}

export interface PluginClock extends Clock {
  /**
   * As {@link Clock.every}. With `monitoring: true` a tick that falls due while monitoring is paused waits for
   * `arkwatch resume`, and the ticks after that one are skipped.
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
  readonly services?: ProvidedOf<Provides>
  readonly contributes?: readonly Contribution[]
  /** Opens what the plugin needs. */
  start?(): void | Promise<void>
  /** Runs when every plugin has started and the listener is open. */
  ready?(): void | Promise<void>
  /**
   * Takes a new config in place. A throw keeps the old one and rolls back the reload. Absent: the plugin is replaced.
   * @returns the routes or hooks that changed, in force from the swap: `undefined` for none, as from `setup`; a part
   * that is not named stays as it is
   */
  reconfigure?(next: Config): void | RequestParts | Promise<void> | Promise<RequestParts | undefined>
  /**
   * Runs when the reload that called `reconfigure` has ended, also with a rollback: closes what the config in force
   * does not need. Until then, what the config before had open stays open.
   */
  settled?(): void | Promise<void>
  /** Suspends this instance and returns its state for the successor. */
  handover?(): Handover | Promise<Handover>
  /** Flushes. Called once, also where `start` failed or did not run. */
  stop?(reason: StopReason): void | Promise<void>
}

/** What a plugin may know of the configuration outside its own section. */
export interface ConfigContext {
  readonly environment: Environment
  /** The public listener; undefined when embedded. */
  readonly server: { readonly host: string; readonly port: number } | undefined
  /**
   * The names that enabled plugins declare by `offers` for the id of an extension point.
   * @returns `complete` is false where a plugin from elsewhere declares no names and may contribute any
   */
  offered(point: string): { readonly names: readonly string[]; readonly complete: boolean }
}

/** @deprecated use {@link ConfigContext} */
export type House = ConfigContext

/** A listener that a plugin opens. No two listeners of a configuration may have one address. */
export interface DeclaredListener {
  /** The place in the section, `['listen']`, with the keys `host`, `port`, `unix` and `tls` below it. */
  readonly path: readonly (string | number)[]
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Path of a Unix socket in place of host and port, relative to the data directory. */
  readonly unix?: string | undefined
  /** Files, PEM, relative to the data directory. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** The plugin can open the listener while the previous one still has the port. @default false */
  readonly shared?: boolean
}

/** A setting that the configuration as a whole forbids. */
export interface Conflict {
  /** The place in the section, `['listen', 'port']`; `[]` is the section itself. */
  readonly path: readonly (string | number)[]
  readonly what: string
  /** Advice, `did you mean "x"?`. */
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
  /** `lower_snake_case`, the key of its section in config.yaml; a section with `from` may have another key. */
  readonly name: string
  readonly version: string
  /** One sentence. */
  readonly summary: string
  /** A strict zod object; every field described. Its `{}` must parse unless the README lists what is required. */
  readonly config: Schema
  /**
   * Plugins that are on while this one is on, unless the configuration turns them off. The value says which keys of
   * this section hold options of the other plugin, and where: `{ host: { process: ['process'] } }`, `[]`: the section.
   */
  readonly implies?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  /** Defaults of an environment: config.yaml is merged over the preset, the preset over the schema's defaults. */
  readonly presets?: Partial<Record<Environment, zod.input<Schema>>>
  readonly provides?: Provides
  readonly needs?: Needs
  readonly wants?: Wants
  /** Milliseconds. @default start 10_000, ready 10_000, stop 5_000 */
  readonly deadlines?: { readonly start?: number; readonly ready?: number; readonly stop?: number }
  /** The plugin holds a lock or a listener: a replaced instance stops before the new one starts. @default false */
  readonly exclusive?: boolean
  /** Whether the plugin holds state in memory that a restart loses, for plans. @default true */
  readonly holdsState?: boolean
  /** npm packages that only this plugin needs (optionalDependencies), imported inside `start`. */
  readonly packages?: readonly string[]
  /** Why this config leaves the plugin nothing to do, such as an empty URL: the plugin is `disabled`. */
  unconfigured?(config: zod.output<Schema>): string | undefined
  /** @returns every conflict with the rest of the configuration, which no schema sees; one refuses boot or reload */
  conflicts?(config: zod.output<Schema>, context: ConfigContext): readonly Conflict[]
  /** The listeners that the plugin opens itself. Their addresses, socket paths and files are checked with the rest. */
  listens?(config: zod.output<Schema>): readonly DeclaredListener[]
  /**
   * The names of the plugin's contributions by id of the extension point; other sections may refer to them. A plugin
   * from elsewhere without `offers` may contribute any name. `routes` is for the paths that the plugin answers, in the
   * patterns of Hono, `/admin/*`, and `GET /livez` for one method. Two plugins that declare one path are a conflict.
   */
  offers?(config: zod.output<Schema>): Readonly<Record<string, readonly string[]>>
  /** Wires the plugin and opens nothing. Synchronous. */
  setup(context: PluginContext<zod.output<Schema>, Needs, Wants>): PluginParts<zod.output<Schema>, Provides>
}

/** A definition with erased types, for the host. */
// biome-ignore lint/suspicious/noExplicitAny: erases four type parameters; only the host uses it
export type AnyPlugin = PluginDefinition<zod.ZodType, any, any, any>

/** Declares a plugin, without effects. @returns the definition itself, with its types inferred */
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
