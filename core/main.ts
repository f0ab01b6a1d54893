/** Arkwatch as a separate process. The only place that listens to signals and decides on the exit code. */
import { watchFiles } from './config/watch.ts'
import type { Clock } from './contract/clock.ts'
import type { Logger } from './contract/logger.ts'
import { type ControlServer, startControl } from './control/server.ts'
import { exitCodes, forcedExitCode } from './exit-codes.ts'
import { systemClock } from './process/clock.ts'
import { type DataLock, lockData, watchLock } from './process/data-lock.ts'
import { LogHub } from './process/log.ts'
import type { RunningRuntime, RuntimeOptions } from './running-runtime.ts'
import { createRuntime } from './runtime.ts'

/** Time for plugins to stop after a second signal or an uncaught exception. */
const forcedStopMs = 2_000
/** How long a reload waits for a change in progress. */
const busyMs = 250

interface MainOptions extends Omit<RuntimeOptions, 'accepted' | 'signal'> {
  /** Reloads when a file of the configuration changes. @default true */
  readonly watch?: boolean
  /** Receives the line with the listeners' URLs. @default the line is logged */
  readonly announce?: (line: string) => void
}

/** Runs reloads one at a time; requests during a reload or change are joined to one more reload. */
function reloader(runtime: RunningRuntime, clock: Clock, log: Logger): (why: 'SIGHUP' | 'a file changed') => void {
  let running = false
  let again = false
  const run = async (why: string) => {
    while (again && !runtime.status().stopping) {
      again = false
      // A change through the API is in force already.
      if (why !== 'SIGHUP' && !(await runtime.isStale())) continue
      log.info('reloading the configuration', { why })
      await runtime.reload(why).catch(async (error: { code?: string }) => {
        if (error.code !== 'RELOAD_BUSY') return
        again = true
        await clock.sleep(busyMs)
      })
    }
    running = false
  }
  return (why) => {
    again = true
    if (running) return
    running = true
    void run(why)
  }
}

/**
 * Boots, runs until a signal or a fault ends it, and stops.
 *
 * SIGTERM and SIGINT drain and stop; a second one skips the drain and leaves the plugins two seconds. SIGHUP reloads.
 * The caller exits the process with the returned code.
 * @returns the exit code: 0, 70 after an uncaught exception, 75 if a plugin hung, 143 if the stop was cut short
 * @throws the errors of `createRuntime`, DATA_IN_USE, DATA_UNUSABLE, CONTROL_LISTEN_FAILED; nothing runs then
 */
export async function main({ watch = true, announce, ...options }: MainOptions): Promise<number> {
  const clock = options.clock ?? systemClock
  const outcome = Promise.withResolvers<number>()
  let log = new LogHub(clock, options.fallbackSink).logger('core')
  let runtime: RunningRuntime | undefined
  let lock: DataLock | undefined
  let control: ControlServer | undefined
  let unwatch = () => {}
  let unwatchLock = () => {}
  let asked = 0
  let faulty = false

  const boot = new AbortController()
  const stop = () => {
    boot.abort()
    runtime?.stop().catch((error) => fault('stopping failed', error))
  }
  const force = (code: number) => {
    runtime?.force()
    clock.after(forcedStopMs, () => outcome.resolve(code))
  }

  const onSignal = (signal: NodeJS.Signals) => {
    asked += 1
    if (asked > 2) return outcome.resolve(forcedExitCode)
    log.info(asked === 1 ? `${signal}: stopping` : `${signal} again: stopping now`)
    if (asked === 2) force(forcedExitCode)
    stop()
  }
  const fault = (message: string, error: unknown) => {
    log.fatal(message, { error })
    if (faulty) return
    faulty = true
    if (runtime === undefined) return outcome.resolve(exitCodes.internal)
    force(exitCodes.internal)
    stop()
  }
  let isEarly = false
  let reloadSoon: ReturnType<typeof reloader> = () => {
    isEarly = true
  }
  const reload = () => {
    if (asked === 0) reloadSoon('SIGHUP')
  }

  const listeners = {
    SIGTERM: onSignal,
    SIGINT: onSignal,
    SIGHUP: reload,
    uncaughtException: (error: unknown) => fault('uncaught exception', error),
    unhandledRejection: (error: unknown) => fault('unhandled rejection', error),
  }
  for (const [event, listener] of Object.entries(listeners)) process.on(event, listener)

  const run = async () => {
    let refused = false
    const accepted = ({ dataDir }: { readonly dataDir: string }) => {
      lock ??= lockData(dataDir)
      return true
    }
    const booted = await createRuntime({ ...options, accepted, signal: boot.signal }).catch((error) => {
      if (!boot.signal.aborted) throw error
    })
    if (booted === undefined) {
      log.info('stopped')
      return outcome.resolve(exitCodes.ok)
    }
    runtime = booted
    log = booted.logger('core')
    booted.stopped.then(
      ({ hung }) => {
        if (hung.length > 0) log.error(`stopped, but ${hung.join(', ')} hung`, { hung })
        else log.info('stopped')
        if (!refused) outcome.resolve(faulty ? exitCodes.internal : hung.length > 0 ? exitCodes.hung : exitCodes.ok)
      },
      () => outcome.resolve(exitCodes.internal),
    )
    try {
      control = startControl({ dataDir: booted.dataDir, commands: () => booted.commands(), log })
    } catch (error) {
      refused = true
      await booted.stop()
      throw error
    }
    const { keep } = control
    unwatchLock = watchLock(lock!, clock, log, (reason) => {
      booted.holdData(reason)
      if (reason === undefined) return keep()
    })
    if (asked > 0 || faulty) return stop()
    reloadSoon = reloader(booted, clock, log)
    if (isEarly) reloadSoon('SIGHUP')
    if (watch) {
      unwatch = watchFiles(booted.configFiles, clock, log, () => reloadSoon('a file changed'), booted.hasNews)
      // Since the configuration was read.
      reloadSoon('a file changed')
    }
    const { listeners: opened, bootMs = 0 } = booted.status()
    const urls = opened.map(({ url }) => url).join(', ')
    const line = urls === '' ? 'arkwatch runs without a listener' : `arkwatch listens on ${urls}`
    if (announce !== undefined) announce(line)
    else log.info(line, { bootMs: Math.round(bootMs) })
  }

  try {
    return await Promise.race([outcome.promise, run().then(() => outcome.promise)])
  } finally {
    unwatch()
    unwatchLock()
    await control?.stop()
    lock?.release()
    for (const [event, listener] of Object.entries(listeners)) process.off(event, listener)
  }
}
