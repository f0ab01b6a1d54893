/** What the runtime itself offers to plugins and embedders. */
import type { PluginState } from './state.ts'
import { extensionPoint, service } from './token.ts'

export interface PluginStatus {
  readonly name: string
  readonly version: string
  readonly state: PluginState
  /** Why it is in this state; empty when `ok`. */
  readonly reason: string
  readonly required: boolean
  readonly provides: readonly string[]
  readonly needs: readonly string[]
  readonly wants: readonly string[]
  /** How long setup and start took. */
  readonly startMs: number
  /** What its timers, hooks and routes threw. */
  readonly errors: number
  /** Time on the main thread in its timers and hooks (hooks sampled). */
  readonly cpuMs: number
  /** Time in its request hooks, estimated from one call in 1,024. */
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
  /** Whether the runtime lives inside an application (`arkwatch({...})`) and does not stand beside it. */
  readonly embedded: boolean
  /** Counts successful configurations, from 1. */
  readonly generation: number
  readonly lastReload: { readonly ok: boolean; readonly atMs: number; readonly error?: string }
  readonly listeners: readonly { readonly name: string; readonly url: string }[]
  readonly plugins: readonly PluginStatus[]
}

export type PlanAction = 'untouched' | 'reconfigure' | 'replace' | 'add' | 'remove'

export interface PlanStep {
  readonly plugin: string
  readonly action: PlanAction
  /** Why, for operators. */
  readonly reason: string
}

/** Access to the running whole. */
export interface Runtime {
  status(): RuntimeStatus
  /** What a reload would do. @throws the config's problems */
  plan(): Promise<readonly PlanStep[]>
  /** Reads the configuration again and applies it, or keeps the old one. @throws RELOAD_FAILED, RELOAD_BUSY, the config's problems */
  reload(): Promise<readonly PlanStep[]>
  shutdown(): Promise<void>
  /** Monitoring timers stand still. */
  pause(): void
  resume(): void
  /** Requests in flight on the listeners and wrapped applications. */
  activeRequests(): number
  /** The effective configuration, secrets as `[redacted]`. */
  readonly config: unknown
  /** Opens a listener of its own for a plugin (`metrics.listen`). @returns closes it @throws LISTEN_FAILED */
  listen(options: ListenOptions): Promise<Listener>
}
export const Runtime = service<Runtime>('runtime')

export interface ListenOptions {
  /** Shown in status and logs. */
  readonly name: string
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Absolute path of a Unix socket, made readable by its owner alone; host and port are then not used. */
  readonly unix?: string
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Another listener of this process may open the same port, to take over from this one. @default false */
  readonly shared?: boolean
  /** Bytes; a larger body is 413. @default 1 MiB */
  readonly maxBodyBytes?: number
  /** @param server tells the peer: `server.requestIP(request)` */
  fetch(request: Request, server: Bun.Server<unknown>): Response | Promise<Response>
}

export interface Listener {
  readonly url: string
  /** Stops accepting, waits up to `drainMs` for requests in flight. */
  close(drainMs?: number): Promise<void>
}

/** A command of the control socket, which the CLI calls by name. `run` gets parsed JSON and returns JSON. */
export interface ControlCommand {
  readonly name: string
  run(args: Readonly<Record<string, unknown>>): unknown | Promise<unknown>
}
export const controlCommand = extensionPoint<ControlCommand>('core.controlCommand')
