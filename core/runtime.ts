/**
 * A whole runtime: configuration, host, request path, listeners. The base of `arkwatch start`, embedding and tests.
 * Over 250 lines because boot, reload and stop act on the same running set.
 */
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Changes, recoverPending } from './config/changes/changes.ts'
import { overlayFile, replaceFile } from './config/changes/overlay-file.ts'
import { describeSource } from './config/describe-source.ts'
import { ConfigError } from './config/errors.ts'
import { planListener } from './config/fixed-sections.ts'
import { type LoadOptions, loadConfig } from './config/load.ts'
import { createReader } from './config/tree/reader.ts'
import type { RuntimeConfig } from './config/types.ts'
import { fingerprintOf } from './config/watch.ts'
import type { Clock } from './contract/clock.ts'
import { coreError, messageOf } from './contract/errors.ts'
import { EventLoop } from './contract/event-loop.ts'
import { disown } from './contract/foreign/calls.ts'
import { shapeProblem } from './contract/foreign/shape.ts'
import { type Logger, type LogSink, logSink } from './contract/logger.ts'
import { isUp } from './contract/plugin-state.ts'
import { show } from './contract/redact/redactor.ts'
import {
  type ConfigDescription,
  type ControlCommand,
  commandAuditor,
  controlCommand,
  type PlanStep,
  type RollbackSignal,
  Runtime,
  type RuntimeStatus,
  rollbackSignals,
} from './contract/runtime-api.ts'
import type { ServiceToken } from './contract/tokens.ts'
import { audited } from './control/audited.ts'
import { coreCommands } from './control/commands.ts'
import { createListeners } from './http/listeners.ts'
import { composeApp, type MountedRoutes } from './http/public-app.ts'
import { ExtensionRegistry } from './lifecycle/extension-registry.ts'
import type { Generation } from './lifecycle/generation.ts'
import { Host } from './lifecycle/host.ts'
import { Pause } from './lifecycle/pause.ts'
import type { PluginInstance } from './lifecycle/plugin-instance.ts'
import { systemClock } from './process/clock.ts'
import { waitAtMost } from './process/deadline.ts'
import { startEventLoop } from './process/event-loop.ts'
import { LogHub } from './process/log.ts'
import { createWorkers } from './process/workers.ts'
import type { OwnedHooks } from './requests/hook-set.ts'
import { createRequestPath, type RequestPath } from './requests/request-path.ts'
import { type OwnedRoutes, rankRoutes } from './requests/routes/route-conflicts.ts'
import { version } from './version.ts'

export interface RuntimeOptions extends LoadOptions {
  readonly clock?: Clock
  /** Where lines go while no logging plugin is up. @default JSON lines to stderr */
  readonly fallbackSink?: LogSink
  /** Called with the first valid configuration, before any plugin is set up. A throw ends the boot. */
  readonly accepted?: (config: RuntimeConfig) => void
}

export interface StopOptions {
  /**
   * Ends the application's listeners: called after readiness has failed for `drainDelay`, before any plugin stops. The
   * runtime waits for `drain` at most `drainTimeout`, and logs an error of `drain`.
   */
  readonly drain?: () => unknown
}

/** A runtime that has booted. */
export interface RunningRuntime extends Runtime {
  readonly dataDir: string
  /** The files that the configuration in force was read from. */
  configFiles(): readonly string[]
  /** Whether those files differ from the configuration in force. */
  isStale(): Promise<boolean>
  readonly requestPath: RequestPath
  /** The plugins' public routes of this moment, observed. @param server the Bun server that took the request */
  fetch(request: Request, server?: unknown): Response | Promise<Response>
  /** As `fetch`, without the observers of core: for a caller that observes its requests. */
  answer(request: Request): Response | Promise<Response>
  /** @throws SERVICE_UNAVAILABLE */
  service<T>(token: ServiceToken<T>): T
  find<T>(token: ServiceToken<T>): T | undefined
  /** The present control commands, of core and of the plugins. */
  commands(): ReadonlyMap<string, ControlCommand>
  logger(name: string): Logger
  /** Drains and stops, once. @returns the plugins that hung */
  stop(options?: StopOptions): Promise<{ hung: string[] }>
  /** Skips the rest of the drain. */
  force(): void
  /** Resolves when the runtime has stopped, for any reason. */
  readonly stopped: Promise<{ hung: string[] }>
}

const signalShape = { plugin: 'text', critical: 'flag', what: 'text' } as const

/** @throws TypeError for what is not a list of rollback signals */
function checkSignals(given: unknown): readonly RollbackSignal[] {
  disown(given)
  if (!Array.isArray(given)) throw new TypeError(`rollback signals: expected a list, got ${show(given)}`)
  return given.map((signal) => {
    const problem = shapeProblem(signalShape, signal)
    if (problem !== undefined) throw new TypeError(`a rollback signal: ${problem}`)
    return signal
  })
}

/** For an application whose configuration has no `server`. */
const defaultDrainTimeoutMs = 10_000

/**
 * Reads the configuration, starts every plugin and opens the listener.
 * @throws ConfigError with every problem; the graph's errors; PLUGIN_REQUIRED_FAILED; LISTEN_FAILED. Nothing runs then.
 */
export async function createRuntime(options: RuntimeOptions): Promise<RunningRuntime> {
  const clock = options.clock ?? systemClock
  const bootedMs = clock.monotonic()
  const startedAtMs = clock.now()
  let config = await loadConfig(options)
  options.accepted?.(config)
  const recovered = recoverPending(config.dataDir)
  if (recovered) config = await loadConfig(options)
  // A reload cannot change these two.
  const { environment, dataDir } = config

  const registry = new ExtensionRegistry()
  const hub = new LogHub(clock, options.fallbackSink)
  const sinks = registry.of(logSink)
  sinks.onChange(() => {
    const last = sinks.all.at(-1)
    hub.sink = last?.value ?? hub.fallback
    hub.onFault = last?.fault ?? (() => {})
  })
  const signals = registry.of(rollbackSignals)
  const contributed = registry.of(controlCommand)
  const auditors = registry.of(commandAuditor)
  let auditorsAtSwap = auditors.all
  const log = hub.logger('core')
  const eventLoop = startEventLoop(clock)
  const workers = createWorkers(config.workers, clock, log)
  const read = createReader(workers, () => config.files)
  const loadNext = (more?: Pick<LoadOptions, 'overlayFile'>) => loadConfig({ ...options, ...more, read })
  const requestPath = createRequestPath({ clock, log })
  const listeners = createListeners({ log })

  let bootMs: number | undefined
  let generation = 0
  let plans = 0
  let stopping = false
  let busy = false
  const pause = new Pause(!config.autoStart)
  let lastReload: RuntimeStatus['lastReload'] = { ok: true, atMs: startedAtMs }
  let stopped: Promise<{ hung: string[] }> | undefined
  const ended = Promise.withResolvers<{ hung: string[] }>()
  const forced = new AbortController()
  let handle: RunningRuntime['fetch'] = () => new Response(null, { status: 503 })
  let answer: RunningRuntime['answer'] = handle

  const givenInCode = new Set(options.plugins?.map(({ name }) => name))
  const swapped = (current: Generation) => {
    auditorsAtSwap = auditors.all
    const hooked: OwnedHooks[] = []
    const routed: (MountedRoutes & OwnedRoutes)[] = []
    const up = [...current.values()].filter(({ state }) => isUp(state))
    const foreign = ({ name, section }: PluginInstance) => section.from !== undefined || givenInCode.has(name)
    for (const instance of up) {
      const { name: plugin, requestParts } = instance
      const { hooks, routes } = requestParts
      // Hooks that were taken out are back.
      instance.hold(requestPath, undefined)
      if (hooks) {
        const failed = (error: unknown) => instance.fault('a request hook', error)
        hooked.push({ plugin, hooks, failed, removed: (reason) => instance.hold(requestPath, reason) })
      }
      const failed = (error: unknown) => instance.fault('a route', error)
      if (routes) routed.push({ plugin, routes, foreign: foreign(instance), failed })
    }
    requestPath.setHooks(hooked)
    const { kept, refused } = rankRoutes(routed)
    for (const instance of up) instance.refuseRoutes(refused.get(instance.name))
    const app = composeApp(kept)
    answer = app.fetch
    handle = requestPath.wrapHono(app)
  }
  const openServer = async ({ server }: RuntimeConfig) =>
    server && listeners.open({ ...server, name: 'server', fetch: (request, from) => handle(request, from) })
  let server: Awaited<ReturnType<typeof openServer>>

  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy || stopping) throw coreError('RELOAD_BUSY')
    busy = true
    try {
      return await work()
    } finally {
      busy = false
    }
  }

  /** @throws RELOAD_BUSY where an auditor stopped and its successor is not in force: nothing would record a change */
  const presentAuditors = () => {
    if ((busy || stopping) && auditors.all !== auditorsAtSwap) throw coreError('RELOAD_BUSY')
    return auditors.all
  }

  const filesOf = ({ files }: RuntimeConfig) => [...new Set([...files, overlayFile(dataDir)])].sort()
  const printOf = async (each: RuntimeConfig) => `${filesOf(each)} ${await fingerprintOf(filesOf(each))}`
  /** Fingerprint of the files as they were read; empty where a file changed meanwhile. */
  let applied = await printOf(config)

  /** The steps of a reload to `next`: of the listener, then of the plugins. @throws RELOAD_NEEDS_RESTART */
  const planNext = (next: RuntimeConfig): readonly PlanStep[] => {
    const step = planListener(config, next)
    return [...(step === undefined ? [] : [step]), ...host.plan(next.plugins)]
  }

  const applyConfig = async (): Promise<readonly PlanStep[]> => {
    const before = await printOf(config)
    const next = await loadNext()
    const print = await printOf(next)
    const step = planListener(config, next)
    const moved = step !== undefined && step.action !== 'reconfigure'
    // A stop has closed every listener.
    if (stopping) throw coreError('RELOAD_BUSY')
    const opened = moved ? await openServer(next) : undefined
    try {
      const steps = await host.reload(next.plugins)
      const old = server
      if (moved) {
        server = opened
        await old?.close(next.server?.drainTimeoutMs)
      }
      config = next
      applied = before === print ? print : ''
      return step === undefined ? steps : [step, ...steps]
    } catch (error) {
      await opened?.close(0)
      throw error
    }
  }

  const describeTexts = async ({ describe }: RuntimeConfig): Promise<ConfigDescription> => {
    const { effective, sources } = await describe()
    const texts = [...sources].map(([pointer, source]) => [pointer, describeSource(source, dirname(dataDir))] as const)
    return { config: effective, sources: Object.fromEntries(texts) }
  }
  const descriptions = new WeakMap<RuntimeConfig, Promise<ConfigDescription>>()
  const runtime: Runtime = {
    status: () => ({
      version,
      environment,
      embedded: config.server === undefined,
      pid: process.pid,
      startedAtMs,
      bootMs,
      ready: bootMs !== undefined && !stopping,
      stopping,
      paused: pause.isPaused,
      generation,
      lastReload,
      listeners: listeners.list(),
      plugins: host.status(),
    }),
    plan: async () => planNext(await loadNext()),
    reload: () =>
      exclusively(async () => {
        try {
          const steps = await applyConfig()
          generation += 1
          lastReload = { ok: true, atMs: clock.now() }
          const changed = steps.filter(({ action }) => action !== 'untouched')
          log.info('configuration reloaded', { generation, changed })
          return steps
        } catch (error) {
          lastReload = { ok: false, atMs: clock.now(), error: messageOf(error) }
          log.error('reload refused, the old configuration stays', { error })
          throw error
        }
      }),
    restart: (plugin) =>
      exclusively(async () => {
        const steps = await host.restart(plugin)
        log.info('a plugin was restarted', { plugin })
        return steps
      }),
    changes: new Changes({
      ...{ dataDir, clock, log },
      async plan(text) {
        plans += 1
        const candidate = join(dataDir, `overlay.plan-${plans}.yaml`)
        try {
          replaceFile(candidate, text)
          return planNext(await loadNext({ overlayFile: candidate }))
        } catch (error) {
          throw error instanceof ConfigError ? error.ofChange(candidate) : error
        } finally {
          rmSync(candidate, { force: true })
        }
      },
      reload: () => runtime.reload(),
      status: () => runtime.status(),
      signals: () =>
        signals.all.flatMap(({ value, fault }) => {
          try {
            return checkSignals(value())
          } catch (error) {
            fault(error)
            return []
          }
        }),
    }),
    shutdown: async () => void (await stop()),
    pause: () => pause.pause(),
    resume: () => pause.resume(),
    activeRequests: () => requestPath.active(),
    flushRequests: () => requestPath.flush(),
    describeConfig() {
      const description = descriptions.get(config) ?? describeTexts(config)
      descriptions.set(config, description)
      return description
    },
    listen: (listen) => listeners.open({ maxBodyBytes: 1024 * 1024, ...listen, maxUrlLength: 8_192 }),
  }
  const host = new Host({
    host: { clock, registry, workers, environment, dataDir, pause, logger: (name) => hub.logger(name) },
    builtins: new Map(Object.entries({ [Runtime.id]: runtime, [EventLoop.id]: eventLoop })),
    swapped,
    hookMs: (plugin) => requestPath.hookMs(plugin),
  })

  // First: a command of core keeps its name.
  for (const command of coreCommands(runtime, () => config))
    registry.add(controlCommand(command), { plugin: 'core', fault() {}, hold() {}, refused() {} })

  /** Drains the application's listeners while Arkwatch's listeners still answer "not ready". */
  const drainOthers = (drain: () => unknown) => {
    const drained = (async () => drain())().catch((error) => log.error('draining the application failed', { error }))
    return waitAtMost(drained, config.server?.drainTimeoutMs ?? defaultDrainTimeoutMs, clock, forced.signal)
  }

  const stop = ({ drain }: StopOptions = {}) => {
    stopped ??= (async () => {
      stopping = true
      const drainDelayMs = config.server?.drainDelayMs ?? 0
      if (drainDelayMs > 0) await clock.sleep(drainDelayMs, forced.signal).catch(() => {})
      if (drain !== undefined) await drainOthers(drain)
      await listeners.close(config.server?.drainTimeoutMs ?? 0, forced.signal)
      requestPath.flush()
      const hung = await host.stop()
      await workers.close()
      eventLoop.stop()
      return { hung }
    })()
    stopped.then(ended.resolve, ended.reject)
    return stopped
  }

  try {
    await host.boot(config.plugins)
    server = await openServer(config)
    await host.ready()
  } catch (error) {
    await stop()
    throw error
  }
  if (recovered) log.warn('a change of the configuration that was never confirmed was rolled back')
  generation = 1
  bootMs = clock.monotonic() - bootedMs

  return Object.assign(runtime, {
    dataDir,
    configFiles: () => config.files,
    isStale: async () => !lastReload.ok || (await printOf(config)) !== applied,
    requestPath,
    fetch: (request: Request, server?: unknown) => handle(request, server),
    answer: (request: Request) => answer(request),
    service<T>(token: ServiceToken<T>): T {
      const found = host.service(token.id)
      if (found === undefined) throw coreError('SERVICE_UNAVAILABLE', { service: token.id, why: '' })
      return found as T
    },
    find: <T>(token: ServiceToken<T>) => host.service(token.id) as T | undefined,
    commands() {
      const commands = contributed.all.map((command) => audited(command, presentAuditors))
      return new Map(commands.map((command) => [command.name, command]))
    },
    logger: (name: string) => hub.logger(name),
    stop,
    force: () => forced.abort(),
    stopped: ended.promise,
  })
}
