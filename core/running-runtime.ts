/** What `createRuntime` takes and gives. */
import type { LoadOptions } from './config/load.ts'
import type { RuntimeConfig } from './config/types.ts'
import type { Logger, LogSink } from './contract/logger.ts'
import type { ControlCommand, PlanStep, Runtime } from './contract/runtime-api.ts'
import type { ServiceToken } from './contract/tokens.ts'
import type { Host } from './lifecycle/host.ts'
import type { createWorkers } from './process/workers.ts'
import type { RequestPath } from './requests/request-path.ts'

export interface RuntimeOptions extends LoadOptions {
  /** @default createWorkers */
  readonly workers?: typeof createWorkers
  /** Where lines go while no logging plugin is up. @default JSON lines to stderr */
  readonly fallbackSink?: LogSink
  /** Ends the boot: what has started is stopped, and `createRuntime` throws RELOAD_BUSY. */
  readonly signal?: AbortSignal
  /** Takes or refuses a valid configuration. @returns whether this process owns the data directory @default yes */
  readonly accepted?: (config: RuntimeConfig) => boolean
}

export interface StopOptions {
  /**
   * Ends the application's listeners: called after readiness has failed for `drainDelay`, before any plugin stops. The
   * runtime waits for `drain` at most `drainTimeout`, and logs an error of `drain`.
   */
  readonly drain?: () => unknown
}

export interface RunningRuntime extends Runtime {
  /** @param by who asked, for the record, where no guarded way recorded the reload already */
  reload(by?: string): Promise<readonly PlanStep[]>
  readonly dataDir: string
  /** Of the configuration in force, and of one that was refused since. */
  configFiles(): readonly string[]
  /** Whether the files differ from the configuration in force. */
  isStale(): Promise<boolean>
  /** Whether the files differ from what the last reload loaded or refused. */
  hasNews(): Promise<boolean>
  readonly requestPath: RequestPath
  /** The plugins' public routes of this moment, observed. @param server the Bun server that took the request */
  fetch(request: Request, server?: unknown): Response | Promise<Response>
  /** As `fetch`, without the observers of core: for a caller that observes its requests. */
  answer(request: Request): Response | Promise<Response>
  /** @throws SERVICE_UNAVAILABLE */
  service<T>(token: ServiceToken<T>): T
  find<T>(token: ServiceToken<T>): T | undefined
  commands(): ReadonlyMap<string, ControlCommand>
  logger(name: string): Logger
  readonly holdData: Host['holdData']
  /** Drains and stops, once. @returns the plugins that hung */
  stop(options?: StopOptions): Promise<{ hung: string[] }>
  /** Ends the drain. */
  force(): void
  /** Resolves when the runtime has stopped, for any reason. */
  readonly stopped: Promise<{ hung: string[] }>
}
