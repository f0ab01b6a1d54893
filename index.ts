/**
 * Arkwatch inside an application.
 *
 * @module
 */
import type { RuntimeConfig } from './core/config/types.ts'
import type { AnyPlugin } from './core/contract/definition.ts'
import { ArkwatchError, httpStatusOf } from './core/contract/errors.ts'
import type { Logger } from './core/contract/logger.ts'
import type { PlanStep, RuntimeStatus } from './core/contract/runtime-api.ts'
import type { ServiceToken } from './core/contract/tokens.ts'
import { type DataLock, lockData } from './core/process/data-lock.ts'
import type { RequestMiddleware } from './core/requests/middleware.ts'
import { type Application, type WrapOptions, type Wrapped, wrapApplication } from './core/requests/wrap-application.ts'
import { createRuntime, type RunningRuntime, type StopOptions } from './core/runtime.ts'
import { catalog } from './plugins/catalog.ts'
import { environmentOverlays } from './plugins/environment.ts'
import { Logging, type RequestSource } from './plugins/logging/api.ts'

export { Runtime } from './core/contract/runtime-api.ts'
export type {
  Application,
  Logger,
  PlanStep,
  RequestSource,
  RuntimeStatus,
  ServiceToken,
  StopOptions,
  WrapOptions,
  Wrapped,
}
export { ArkwatchError, httpStatusOf }

export interface ArkwatchOptions {
  /** Path of a config.yaml, or what it would hold. No listener is opened unless it has `server`. @default {} */
  readonly config?: string | Readonly<Record<string, unknown>>
  /** Plugins defined in code, on unless their section says `enabled: false`. */
  readonly plugins?: readonly unknown[]
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Arkwatch as it runs inside an application. */
export interface Arkwatch {
  /**
   * Gives the `fetch` for `Bun.serve`: the application's own, measured by its route templates, and what is exposed of
   * Arkwatch under `at`.
   * @param app a Hono application, anything with a `fetch`, or the function itself
   * @throws EMBED_OPTIONS_INVALID; EMBED_PATH_CONFLICT if the application routes an exposed path too
   */
  wrap<A extends Application>(app: A, options?: WrapOptions): Wrapped<A>
  /** For those who compose: must be the first middleware. It costs more than `wrap`. */
  middleware(): RequestMiddleware
  /** The service of a plugin, by its token. @throws SERVICE_UNAVAILABLE */
  service<T>(token: ServiceToken<T>): T
  /** A logger that adds `requestId` and `traceId` of this request to its lines. @throws SERVICE_UNAVAILABLE without the logging plugin */
  log(source: RequestSource, name?: string): Logger
  /** Answers Arkwatch's own routes, for a listener of yours. */
  fetch(request: Request): Response | Promise<Response>
  status(): RuntimeStatus
  /** Reads the configuration again and applies it, or keeps the old one. @throws RELOAD_FAILED, CONFIG_INVALID */
  reload(): Promise<readonly PlanStep[]>
  /**
   * Fails readiness, waits `server.drainDelay`, lets `drain` end the application's own server, drains its own
   * listeners and stops every plugin.
   * @returns the names of plugins that hung
   */
  stop(options?: StopOptions): Promise<{ hung: string[] }>
}

/** Whether a plugin owns files in the data folder, which two processes would spoil. */
const keepsData = ({ plugins }: RuntimeConfig): boolean =>
  plugins.some(({ definition, disabled }) => disabled === undefined && definition.exclusive === true)

/**
 * Starts Arkwatch in this process.
 * @throws CONFIG_INVALID with every problem, PLUGIN_REQUIRED_FAILED, LISTEN_FAILED; DATA_IN_USE and DATA_UNUSABLE where a
 *   plugin keeps data; nothing runs then
 */
export async function arkwatch({
  config = {},
  plugins = [],
  env = process.env,
}: ArkwatchOptions = {}): Promise<Arkwatch> {
  let lock: DataLock | undefined
  const runtime: RunningRuntime = await createRuntime({
    ...(typeof config === 'string' ? { file: config } : { object: config }),
    catalog,
    overlays: environmentOverlays,
    plugins: plugins as readonly AnyPlugin[],
    env,
    cwd: process.cwd(),
    accepted(accepted) {
      if (keepsData(accepted)) lock = lockData(accepted.dataDir)
    },
  }).catch((error) => {
    lock?.release()
    throw error
  })
  const release = () => lock?.release()
  runtime.stopped.then(release, release)
  return {
    wrap: (app, options = {}) => wrapApplication(runtime.requestPath, app, options, runtime.answer),
    middleware: () => runtime.requestPath.middleware(),
    service: (token) => runtime.service(token),
    log: (source, name) => runtime.service(Logging).log(source, name),
    fetch: runtime.fetch,
    status: () => runtime.status(),
    reload: () => runtime.reload(),
    async stop(options) {
      const stopped = await runtime.stop(options)
      release()
      return stopped
    },
  }
}
