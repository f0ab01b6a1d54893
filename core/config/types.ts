/** The result of reading a configuration. */
import type { AnyPlugin, DeclaredListener, Environment } from '../contract/definition.ts'
import type { WorkersConfig } from '../process/task-pool.ts'

/** Where an effective value came from. */
export type Source =
  | { readonly kind: 'default' }
  | { readonly kind: 'preset'; readonly environment: Environment }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'overlay'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'code' }

export interface ServerConfig {
  readonly host: string
  readonly port: number
  /** Bytes; a larger body is 413. */
  readonly maxBodyBytes: number
  /** Characters; a longer request target is 414. */
  readonly maxUrlLength: number
  /** How long `/readyz` fails before the listener closes. */
  readonly drainDelayMs: number
  /** How long requests in flight may take after that. */
  readonly drainTimeoutMs: number
}

/** One plugin that the configuration names or that another plugin implies. */
export interface PluginSection {
  readonly name: string
  readonly definition: AnyPlugin
  readonly required: boolean
  /** Parsed by the plugin's schema. */
  readonly config: unknown
  /** Why a named plugin is off: `enabled: false`, or a target that is not configured. */
  readonly disabled?: string
  /** Path or package of an external plugin. */
  readonly from?: string
  /** The plugin is switched off and was not imported: the definition stands in, and services are not known. */
  readonly isStandIn?: boolean
  /** The plugins that imply it, where the configuration does not name it. */
  readonly enabledBy?: readonly string[]
}

/** A configuration as operators see it. */
export interface Described {
  /** Effective values as a plain tree, secrets as `[redacted]`. */
  readonly effective: unknown
  /** Source of each effective leaf, by JSON pointer. */
  readonly sources: ReadonlyMap<string, Source>
}

/** A configuration that is valid as a whole. */
export interface RuntimeConfig {
  readonly environment: Environment
  /** Absent: no listener (embedding). */
  readonly server: ServerConfig | undefined
  /** All that this configuration opens, by their whole path. */
  readonly listeners: readonly DeclaredListener[]
  /** Absolute path. */
  readonly dataDir: string
  readonly workers: WorkersConfig
  /** False: monitoring timers wait for `arkwatch resume`. */
  readonly autoStart: boolean
  /** Every file that was read, absolute, for the watcher. */
  readonly files: readonly string[]
  readonly plugins: readonly PluginSection[]
  /** Describes the configuration once, in short turns of the event loop. */
  describe(): Promise<Described>
}
