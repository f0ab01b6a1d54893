/** The services and extension points of the runtime itself. */
import type { z } from 'zod'
import type { PluginState } from './plugin-state.ts'
import { type Contribution, extensionPoint, service } from './tokens.ts'

export interface PluginStatus {
  readonly name: string
  readonly version: string
  readonly state: PluginState
  /** The reason of the state; when `ok`, the plugins that enabled it, or empty. */
  readonly reason: string
  readonly required: boolean
  readonly provides: readonly string[]
  readonly needs: readonly string[]
  readonly wants: readonly string[]
  /** Of setup and start. */
  readonly startMs: number
  /** Epoch milliseconds at which the plugin was up; undefined for a plugin that never was. */
  readonly startedAtMs: number | undefined
  /** Faults of timers, hooks, routes, contributions and phases, over all instances of the plugin, as are the times. */
  readonly errors: number
  /** Time on the main thread in the plugin's timers. */
  readonly cpuMs: number
  /** Run time of the plugin's tasks in the worker threads. */
  readonly taskMs: number
  /** Time in the plugin's request hooks: `observe` measured, the others estimated from one call in 1,024. */
  readonly hookMs: number
}

export interface RuntimeStatus {
  readonly version: string
  readonly environment: string
  readonly pid: number
  readonly startedAtMs: number
  /** From the beginning of the boot to ready; undefined while booting. */
  readonly bootMs: number | undefined
  readonly ready: boolean
  readonly stopping: boolean
  readonly paused: boolean
  /** Whether the runtime is part of an application (`arkwatch({...})`) and not a separate process. */
  readonly embedded: boolean
  /** Counts successful configurations, from 1. */
  readonly generation: number
  readonly lastReload: { readonly ok: boolean; readonly atMs: number; readonly error?: string }
  readonly listeners: readonly { readonly name: string; readonly url: string }[]
  readonly plugins: readonly PluginStatus[]
}

export type PlanAction = 'untouched' | 'reconfigure' | 'replace' | 'add' | 'remove'

export interface PlanStep {
  /** Name of the plugin; `server` for the public listener. */
  readonly plugin: string
  readonly action: PlanAction
  /** The reason, for operators. */
  readonly reason: string
  /** Whether the plugin's state in memory survives; `none` where the plugin holds no state. */
  readonly state: 'kept' | 'lost' | 'none'
  /** Why the plugin does not run after the step, where this is new: the reason that its status will show. */
  readonly off?: string
}

export interface PlannedChange {
  /** Entity tag of the present overlay; pass the tag to `apply` to prevent another change in between. */
  readonly etag: string
  readonly steps: readonly PlanStep[]
}

export interface ApplyOptions {
  /** The principal that makes the change. */
  readonly by: string
  /** Refuses the change when the overlay has another entity tag. */
  readonly etag?: string
  /** Milliseconds within which the change must be confirmed. @default no confirmation is needed */
  readonly confirmWithinMs?: number
}

export interface AppliedChange {
  readonly id: string
  readonly by: string
  readonly atMs: number
  readonly steps: readonly PlanStep[]
  readonly state: 'applied' | 'awaiting-confirmation' | 'confirmed' | 'rolled-back'
  /** Epoch milliseconds at which a pending change is rolled back. */
  readonly deadlineMs: number | undefined
  /** Of the rollback. A pending change with a reason is one whose rollback is in progress, or failed. */
  readonly reason: string
}

/** A failure that rolls a pending change back. */
export interface RollbackSignal {
  readonly plugin: string
  /** Whether the failure rolls back a change of any plugin, and not only a change of this one. */
  readonly critical: boolean
  /** The failure, for operators. */
  readonly what: string
}

/**
 * The present rollback signals. A pending change is rolled back by a signal that was not there before the change, if
 * the signal is critical or concerns a plugin that the change touched. The id is kept for existing users.
 */
export const rollbackSignals = extensionPoint<() => readonly RollbackSignal[]>('core.troubles', { shape: 'function' })

/** @deprecated use {@link RollbackSignal} */
export type Trouble = RollbackSignal
/** @deprecated use {@link rollbackSignals} */
export const troubles = rollbackSignals

/** Changes at run time, kept in `data/overlay.yaml` over config.yaml. */
export interface ConfigChanges {
  /** The changes in force, and their entity tag. Holds secrets in clear: redact before showing. */
  readonly overlay: { readonly value: unknown; readonly etag: string }
  /** Newest first, at most 20. */
  readonly history: readonly AppliedChange[]
  /** The change that waits for its confirmation. */
  readonly pending: AppliedChange | undefined
  /** @param patch merge patch over the overlay (RFC 7386) @throws CONFIG_PATCH, the configuration's problems */
  plan(patch: unknown): Promise<PlannedChange>
  /** @throws CHANGE_STALE, CHANGE_PENDING, CHANGE_BLOCKS, RELOAD_BUSY, RELOAD_FAILED, as `plan`: changes nothing */
  apply(patch: unknown, options: ApplyOptions): Promise<AppliedChange>
  /** @throws CHANGE_UNKNOWN; CHANGE_NOT_ROLLED_BACK after a rollback has begun */
  confirm(id?: string): AppliedChange
  /** @throws CHANGE_UNKNOWN; CHANGE_NOT_ROLLED_BACK: the change is then still pending, and is tried again */
  rollback(id?: string): Promise<AppliedChange>
}

export interface ConfigDescription {
  /** Effective values, secrets as `[redacted]`. */
  readonly config: unknown
  /** Where each effective value comes from, by JSON pointer: `config.yaml:3:5`, `default`. */
  readonly sources: Readonly<Record<string, string>>
}

/** Access to the running process. */
export interface Runtime {
  status(): RuntimeStatus
  /** Plans a reload without side effects. @throws the config's problems */
  plan(): Promise<readonly PlanStep[]>
  /** Reads the configuration again; a wrong one changes nothing. @throws RELOAD_FAILED, RELOAD_BUSY, CONFIG_INVALID */
  reload(): Promise<readonly PlanStep[]>
  /**
   * Replaces one plugin by a new instance without its previous state, and the plugins that hold its services.
   * @throws PLUGIN_NOT_THERE, PLUGIN_OFF, RELOAD_FAILED, RELOAD_BUSY
   */
  restart(plugin: string): Promise<readonly PlanStep[]>
  readonly changes: ConfigChanges
  shutdown(): Promise<void>
  /** Stops monitoring timers until `resume`. */
  pause(): void
  resume(): void
  /** Requests in flight on the listeners and wrapped applications. */
  activeRequests(): number
  /** Passes the ended requests to the `observe` hooks immediately, and not within 20 ms. */
  flushRequests(): void
  /** Describes the configuration in force. Made once, in short turns of the event loop. Read-only. */
  describeConfig(): Promise<ConfigDescription>
  /** Opens a separate listener for a plugin (`metrics.listen`). @throws LISTEN_FAILED */
  listen(options: ListenOptions): Promise<Listener>
}
export const Runtime = service<Runtime>('runtime')

export interface ListenOptions {
  /** Shown in status and logs. */
  readonly name: string
  readonly host: string
  /** 0 chooses a free port. */
  readonly port: number
  /** Absolute path of a Unix socket, readable by its owner alone; host and port are then unused. */
  readonly unix?: string
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Another listener of this process may open the same port, to take over from this one. @default false */
  readonly shared?: boolean
  /** Bytes; a larger body is 413. @default 1 MiB */
  readonly maxBodyBytes?: number
  /** @param server gives the peer's address: `server.requestIP(request)` */
  fetch(request: Request, server: Bun.Server<unknown>): Response | Promise<Response>
}

export interface Listener {
  readonly url: string
  /** Stops accepting, waits up to `drainMs` for requests in flight. */
  close(drainMs?: number): Promise<void>
}

/** A command of the control socket, which the CLI calls by name. `run` gets parsed JSON and returns JSON. */
export interface ControlCommand<Args extends z.ZodObject = z.ZodObject> {
  readonly name: string
  /**
   * A strict zod object, without asynchronous refinements. Other arguments are refused with CONTROL_BAD_REQUEST, and
   * nothing is done; `changes` and `run` get what the schema made of the arguments.
   * @default any arguments, as they were sent
   */
  readonly args?: Args
  /** Whether the command with these arguments is a change, which auditors record. @default never */
  changes?(args: z.output<Args>): boolean
  /** What auditors get of the arguments. @default all, as they were sent, but `[redacted]` for values of `secret()` */
  recorded?(args: z.output<Args>): Readonly<Record<string, unknown>>
  run(args: z.output<Args>): unknown | Promise<unknown>
}

/** zod's other objects leave an unknown argument out, as if the caller had not asked for it. */
const isStrict = (args: z.ZodObject) => (args.def?.catchall as z.ZodType | undefined)?.type === 'never'
const commandPoint = extensionPoint<ControlCommand>('core.controlCommand', {
  shape: { name: 'text', args: 'object?', changes: 'function?', recorded: 'function?', run: 'function' },
  refuse({ name, args }) {
    if (name === '') return 'name is empty'
    return args === undefined || isStrict(args) ? undefined : 'args must be a schema made by z.strictObject'
  },
  nameOf: ({ name }) => name,
})
/** The extension point; a call infers the types of the arguments from `args`. */
export const controlCommand: (<Args extends z.ZodObject>(
  command: ControlCommand<Args>,
) => Contribution<ControlCommand>) &
  typeof commandPoint = commandPoint

/**
 * Records every command that changes something, before the command runs.
 * @param by who makes the change, where the control socket does not: `SIGHUP`, `a file changed`, `arkwatch`
 * @returns records the outcome: `ok`, or the code of the error
 * @throws where the command must not run; a change of the runtime itself is made all the same
 */
export type CommandAuditor = (
  command: string,
  args: Readonly<Record<string, unknown>>,
  by?: string,
) => Promise<(outcome: string) => Promise<void>>
/** The id is kept for existing users. */
export const commandAuditor = extensionPoint<CommandAuditor>('core.controlWitness', { shape: 'function' })

/** @deprecated use {@link CommandAuditor} */
export type ControlWitness = CommandAuditor
/** @deprecated use {@link commandAuditor} */
export const controlWitness = commandAuditor
