/** Arkwatch inside an application. @module */
import type { RuntimeConfig } from './core/config/types.ts'
import { didYouMean } from './core/contract/closest.ts'
import type { AnyPlugin } from './core/contract/definition.ts'
import { ArkwatchError, coreError, httpStatusOf } from './core/contract/errors.ts'
import type { Logger } from './core/contract/logger.ts'
import type { RequestScope } from './core/contract/request-hooks.ts'
import type { PlanStep, RuntimeStatus } from './core/contract/runtime-api.ts'
import type { ServiceToken } from './core/contract/tokens.ts'
import { problemResponse } from './core/http/problem.ts'
import { systemClock } from './core/process/clock.ts'
import { type DataLock, lockData, watchLock } from './core/process/data-lock.ts'
import type { RequestMiddleware } from './core/requests/middleware.ts'
import { requestIdOf } from './core/requests/request-identity.ts'
import { currentRequest } from './core/requests/request-scope.ts'
import { type Application, type WrapOptions, type Wrapped, wrapApplication } from './core/requests/wrap-application.ts'
import type { RunningRuntime, StopOptions } from './core/running-runtime.ts'
import { createRuntime } from './core/runtime.ts'
import { catalog } from './plugins/catalog.ts'
import { environmentOverlays } from './plugins/environment.ts'
import { Logging, type RequestSource } from './plugins/logging/api.ts'

export { Runtime } from './core/contract/runtime-api.ts'
export type {
  AnyPlugin,
  Application,
  Logger,
  PlanStep,
  RequestScope,
  RequestSource,
  RuntimeStatus,
  ServiceToken,
  StopOptions,
  WrapOptions,
  Wrapped,
}
export { ArkwatchError, currentRequest, httpStatusOf, problemResponse, requestIdOf }

export interface ArkwatchOptions {
  /** The path of a config.yaml, or its contents. Only a configuration with `server` opens listeners. @default {} */
  readonly config?: string | Readonly<Record<string, unknown>>
  /** Plugins made by `definePlugin`, enabled unless their section has `enabled: false`. */
  readonly plugins?: readonly AnyPlugin[]
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A running Arkwatch inside an application. `await using` stops Arkwatch at the end of the block. */
export interface Arkwatch extends AsyncDisposable {
  /**
   * Returns the `fetch` for `Bun.serve`: the application's `fetch`, measured by route template, with the exposed paths of
   * Arkwatch under `at`.
   * @param app a Hono application, an object with a `fetch`, or the function itself
   * @throws EMBED_OPTIONS_INVALID; EMBED_PATH_CONFLICT if the application also routes an exposed path
   */
  wrap<A extends Application>(app: A, options?: WrapOptions): Wrapped<A>
  /** Middleware form of `wrap`. Register it first. */
  middleware(): RequestMiddleware
  /** The service of a plugin, by its token. @throws SERVICE_UNAVAILABLE */
  service<T>(token: ServiceToken<T>): T
  /** The same, or undefined while no plugin provides the service. */
  find<T>(token: ServiceToken<T>): T | undefined
  /** A logger whose lines carry `requestId` and `traceId` of a request. @throws SERVICE_UNAVAILABLE without the logging plugin */
  log(source: RequestSource, name?: string): Logger
  /** Answers Arkwatch's own routes, for a listener of the application. */
  fetch(request: Request): Response | Promise<Response>
  status(): RuntimeStatus
  /** Reads the configuration again and applies it. After an error the previous configuration stays. @throws RELOAD_FAILED, CONFIG_INVALID */
  reload(): Promise<readonly PlanStep[]>
  /**
   * Fails readiness, waits `server.drainDelay`, calls `drain` to end the application's own server, drains Arkwatch's
   * listeners and stops every plugin.
   * @returns the names of plugins that did not stop in time
   */
  stop(options?: StopOptions): Promise<{ hung: string[] }>
}

/** Whether a plugin keeps files in the data directory, which two processes must not share. */
const keepsData = ({ plugins }: RuntimeConfig): boolean =>
  plugins.some(({ definition, disabled }) => disabled === undefined && definition.exclusive === true)

/**
 * Starts Arkwatch in this process.
 * @throws EMBED_OPTIONS_INVALID, CONFIG_INVALID with every configuration error, PLUGIN_REQUIRED_FAILED, LISTEN_FAILED; DATA_IN_USE and
 *   DATA_UNUSABLE if a plugin keeps data. After an error nothing runs
 */
export async function arkwatch(options: ArkwatchOptions = {}): Promise<Arkwatch> {
  const { config = {}, plugins = [], env = process.env } = options
  const known = ['config', 'plugins', 'env']
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    const what = `arkwatch() has no option "${unknown}": ${didYouMean(unknown, known) ?? `it takes ${known.join(', ')}`}`
    throw coreError('EMBED_OPTIONS_INVALID', { what })
  }
  let lock: DataLock | undefined
  let started: RunningRuntime | undefined
  let unwatch: (() => void) | undefined
  const watch = () => {
    if (lock && started) unwatch ??= watchLock(lock, systemClock, started.logger('core'), started.holdData)
  }
  const runtime = await createRuntime({
    ...(typeof config === 'string' ? { file: config } : { object: config }),
    catalog,
    overlays: environmentOverlays,
    plugins,
    env,
    cwd: process.cwd(),
    accepted(accepted) {
      if (keepsData(accepted)) lock ??= lockData(accepted.dataDir)
      watch()
      return lock !== undefined
    },
  }).catch((error) => {
    lock?.release()
    throw error
  })
  started = runtime
  watch()
  const release = () => {
    unwatch?.()
    lock?.release()
  }
  runtime.stopped.then(release, release)
  const stop = (options?: StopOptions) => runtime.stop(options).finally(release)
  return {
    wrap: (app, options = {}) => wrapApplication(runtime.requestPath, app, options, runtime.answer),
    middleware: () => runtime.requestPath.middleware(),
    service: (token) => runtime.service(token),
    find: (token) => runtime.find(token),
    log: (source, name) => runtime.service(Logging).log(source, name),
    fetch: runtime.fetch,
    status: () => runtime.status(),
    reload: () => runtime.reload(),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}
