/** A whole runtime: configuration, host, request path, listeners. The base of `arkwatch start`, embedding and tests. */
import { ActiveConfig } from './active-config.ts'
import { Changes } from './config/changes/changes.ts'
import { recoverPending } from './config/changes/pending-file.ts'
import { loadConfig } from './config/load.ts'
import { createReader } from './config/tree/reader.ts'
import { coreError } from './contract/errors.ts'
import { EventLoop } from './contract/event-loop.ts'
import { outsideRequests } from './contract/foreign/outside-requests.ts'
import { logSink } from './contract/logger.ts'
import { commandAuditor, controlCommand, Runtime, rollbackSignals } from './contract/runtime-api.ts'
import type { ServiceToken } from './contract/tokens.ts'
import { auditedCommands, type OwnChange, recorded } from './control/audited.ts'
import { coreCommands } from './control/commands.ts'
import { createListeners } from './http/listeners.ts'
import { ExtensionRegistry } from './lifecycle/extension-registry.ts'
import { Host } from './lifecycle/host.ts'
import { Pause } from './lifecycle/pause.ts'
import { readSignals } from './lifecycle/rollback-signals.ts'
import { systemClock } from './process/clock.ts'
import { waitAtMost } from './process/deadline.ts'
import { startEventLoop } from './process/event-loop.ts'
import { LogHub } from './process/log.ts'
import { createWorkers } from './process/workers.ts'
import { RequestParts } from './request-parts.ts'
import { createRequestPath } from './requests/request-path.ts'
import type { RunningRuntime, RuntimeOptions, StopOptions } from './running-runtime.ts'
import { version } from './version.ts'

/** Where the configuration has no `server`. */
const defaultDrainTimeoutMs = 10_000

/**
 * Reads the configuration, starts every plugin and opens the listener.
 * @throws ConfigError with every problem; the graph's errors; PLUGIN_REQUIRED_FAILED; LISTEN_FAILED. Nothing runs then.
 */
export async function createRuntime(options: RuntimeOptions): Promise<RunningRuntime> {
  const clock = options.clock ?? systemClock
  const bootedMs = clock.monotonic()
  const startedAtMs = clock.now()
  const config = await loadConfig({ ...options, atStart: true })
  const isOwner = options.accepted?.(config) ?? true
  // The owner of the directory may still wait for the confirmation.
  const recovered = isOwner ? recoverPending(config.dataDir) : undefined
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
  const workers = (options.workers ?? createWorkers)(config.workers, clock, log)
  const requestPath = createRequestPath({ clock, log })
  const parts = new RequestParts(requestPath, new Set(options.plugins?.map(({ name }) => name)))
  const listeners = createListeners({ log })
  const pause = new Pause(!config.autoStart)

  let bootMs: number | undefined
  let stopping = false
  const halted = new AbortController()
  /** Until the boot is over, too. */
  let busy = true
  let stopped: Promise<{ hung: string[] }> | undefined
  const ended = Promise.withResolvers<{ hung: string[] }>()
  const forced = new AbortController()

  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy || stopping) throw coreError('RELOAD_BUSY')
    busy = true
    try {
      return await outsideRequests(work)
    } finally {
      busy = false
    }
  }

  /** @throws RELOAD_BUSY once the runtime stops, LISTEN_FAILED */
  const open: typeof listeners.open = async (options) => {
    if (stopping) throw coreError('RELOAD_BUSY')
    const listener = await listeners.open(options)
    if (!stopping) return listener
    await listener.close(0)
    throw coreError('RELOAD_BUSY')
  }

  /** @throws RELOAD_BUSY where an auditor stopped and its successor is not in force: nothing would record a change */
  const presentAuditors = () => {
    if ((busy || stopping) && auditors.all !== auditorsAtSwap) throw coreError('RELOAD_BUSY')
    return auditors.all
  }

  const onRecord = <T>(change: OwnChange, run: () => Promise<T>) => recorded(change, auditors.all, { clock, log }, run)
  const changes = new Changes({
    ...{ dataDir, clock, log, current: () => active.current },
    plan: (text) => active.planOverlay(text),
    reload: (write) =>
      exclusively(async () => {
        write?.()
        return active.reload(write !== undefined)
      }),
    restore: (earlier, why) => exclusively(() => active.restore(earlier, why)),
    status: () => runtime.status(),
    signals: () => readSignals(signals),
    recorded: (args, run) => onRecord({ command: 'config.rollback', args, by: 'arkwatch' }, run),
  })
  const runtime: Runtime & Pick<RunningRuntime, 'reload'> = {
    status: () => ({
      ...{ version, environment, embedded: active.current.server === undefined, pid: process.pid },
      ...{ startedAtMs, bootMs, ready: bootMs !== undefined && !stopping, stopping, paused: pause.isPaused },
      ...{ generation: active.generation, lastReload: active.lastReload },
      ...{ listeners: listeners.list(), plugins: host.status() },
    }),
    plan: () => active.plan(),
    reload: (by?: string) => exclusively(() => onRecord({ command: 'reload', args: {}, by }, () => active.reload())),
    restart: (plugin) =>
      exclusively(async () => {
        const steps = await host.restart(plugin)
        log.info('a plugin was restarted', { plugin })
        return steps
      }),
    changes,
    shutdown: async () => void (await stop()),
    pause: () => pause.pause(),
    resume: () => pause.resume(),
    activeRequests: () => requestPath.active(),
    flushRequests: () => requestPath.flush(),
    describeConfig: () => active.describe(),
    listen: (listen) => open({ maxBodyBytes: 1024 * 1024, ...listen, maxUrlLength: 8_192 }),
  }
  const host = new Host({
    host: { clock, registry, workers, environment, dataDir, pause, logger: (name) => hub.logger(name) },
    builtins: new Map(Object.entries({ [Runtime.id]: runtime, [EventLoop.id]: eventLoop })),
    swapped(current) {
      auditorsAtSwap = auditors.all
      parts.swap(current)
    },
    hookMs: (plugin) => requestPath.hookMs(plugin),
  })
  const read = createReader(workers.runOwn, () => active.current.files)
  const active = new ActiveConfig(config, {
    load: (more) => loadConfig({ ...options, ...more, read }),
    open: async ({ server }) =>
      server && open({ ...server, name: 'server', fetch: (request, from) => parts.handle(request, from) }),
    ...{ host, clock, log, accepted: options.accepted },
    isStopping: () => stopping,
  })

  // First: a command of core keeps its name.
  for (const command of coreCommands(runtime, () => active.current, clock, halted.signal))
    registry.add(command, { plugin: 'core', fault() {}, hold() {}, refused() {} })

  /** Drains the application's listeners while Arkwatch's listeners still answer "not ready". */
  const drainOthers = (drain: () => unknown, drainTimeoutMs: number) => {
    const drained = (async () => drain())().catch((error) => log.error('draining the application failed', { error }))
    return waitAtMost(drained, drainTimeoutMs, clock, forced.signal)
  }

  const stop = ({ drain }: StopOptions = {}) => {
    stopped ??= outsideRequests(async () => {
      stopping = true
      halted.abort()
      changes.stop()
      const delayMs = active.current.server?.drainDelayMs ?? 0
      if (delayMs > 0) await clock.sleep(delayMs, forced.signal).catch(() => {})
      const drainMs = active.current.server?.drainTimeoutMs ?? defaultDrainTimeoutMs
      if (drain !== undefined) await drainOthers(drain, drainMs)
      await listeners.close(drainMs, forced.signal)
      requestPath.flush()
      const hung = await host.stop()
      await workers.close()
      eventLoop.stop()
      return { hung }
    })
    stopped.then(ended.resolve, ended.reject)
    return stopped
  }

  options.signal?.addEventListener('abort', () => void stop())
  if (options.signal?.aborted) void stop()
  try {
    await host.boot(config.plugins)
    await active.listen()
    await host.ready()
    if (stopping) throw coreError('RELOAD_BUSY')
  } catch (error) {
    await stop()
    throw error
  }
  busy = false
  if (recovered !== undefined) await changes.recordRecovery(recovered)
  active.generation = 1
  bootMs = clock.monotonic() - bootedMs

  return Object.assign(runtime, {
    ...{ dataDir, requestPath, configFiles: () => active.files },
    isStale: () => active.isStale(),
    hasNews: () => active.hasNews(),
    fetch: (request: Request, server?: unknown) => parts.handle(request, server),
    answer: (request: Request) => parts.answer(request),
    service<T>(token: ServiceToken<T>): T {
      const found = host.service(token.id)
      if (found === undefined) throw coreError('SERVICE_UNAVAILABLE', { service: token.id, why: '' })
      return found as T
    },
    find: <T>(token: ServiceToken<T>) => host.service(token.id) as T | undefined,
    commands: () => auditedCommands(contributed, presentAuditors, clock),
    logger: (name: string) => hub.logger(name),
    holdData: (reason: string | undefined) => host.holdData(reason),
    ...{ stop, stopped: ended.promise },
    force: () => forced.abort(),
  })
}
