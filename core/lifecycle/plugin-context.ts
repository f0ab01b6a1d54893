/** The context of a plugin's setup. Everything opened through the context is recorded in the instance's undo scope. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginSection } from '../config/types.ts'
import type { Clock } from '../contract/clock.ts'
import type { Environment, PluginContext } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { checkFunction, guarded } from '../contract/foreign/calls.ts'
import type { Logger } from '../contract/logger.ts'
import type { Workers } from '../contract/tasks.ts'
import {
  type ExtensionPoint,
  type Extensions,
  type Holder,
  serviceFor,
  serviceIfMade,
  type TokenMap,
} from '../contract/tokens.ts'
import type { RuntimeWorkers } from '../process/workers.ts'
import type { Cleanups } from './cleanups.ts'
import type { ExtensionRegistry } from './extension-registry.ts'
import type { Pause } from './pause.ts'
import type { Phases } from './phases.ts'
import { createPluginClock } from './plugin-clock.ts'
import type { PluginContributions } from './plugin-contributions.ts'
import type { PluginFaults } from './state/plugin-faults.ts'
import type { PluginTotals } from './state/plugin-totals.ts'

export interface InstanceEnvironment {
  readonly clock: Clock
  readonly registry: ExtensionRegistry
  readonly workers: RuntimeWorkers
  readonly environment: Environment
  readonly dataDir: string
  logger(name: string): Logger
  readonly pause: Pick<Pause, 'over'>
}

export type Services = ReadonlyMap<string, unknown>

interface ContextOptions {
  readonly host: InstanceEnvironment
  readonly section: PluginSection
  readonly services: Services
  readonly inherited: unknown
  readonly scope: Cleanups
  readonly signal: AbortSignal
  readonly log: Logger
  isSettingUp(): boolean
}

interface ContextOwner {
  readonly contributions: Pick<PluginContributions, 'add'>
  readonly faults: Pick<PluginFaults, 'hold' | 'report'>
  readonly totals: PluginTotals
  readonly phases: Pick<Phases, 'silentThreads'>
  fault(phase: string, error: unknown): void
}

/** @returns undoes what was opened, and takes the undo out of the scope */
function undoable(scope: Cleanups, undo: () => void): () => void {
  const forget = scope.defer(undo)
  return () => {
    forget()
    undo()
  }
}

function liveList<T>(point: ExtensionPoint<T>, owner: ContextOwner, { host, scope }: ContextOptions): Extensions<T> {
  const live = host.registry.of(point)
  return {
    get all() {
      return live.all
    },
    onChange(listener) {
      checkFunction('onChange', listener)
      const failed = (error: unknown) => owner.fault('an extension listener', error)
      return undoable(
        scope,
        live.onChange(() => guarded(listener, failed)),
      )
    },
  }
}

function scopedWorkers(owner: ContextOwner, { host: { workers }, scope, signal }: ContextOptions): Workers {
  const spent = (ms: number) => {
    owner.totals.taskMs += ms
  }
  const lateFault = (error: unknown) => owner.fault('onProgress of a task', error)
  return {
    run: (task, input, options = {}) => {
      const either = options.signal ? AbortSignal.any([options.signal, signal]) : signal
      return workers.run(task, input, { ...options, signal: either, spent, lateFault })
    },
    dedicated(name, url, options = {}) {
      signal.throwIfAborted()
      const failed = (error: Error, isLost: boolean) => {
        owner.fault(`the thread ${name}`, error)
        if (isLost) owner.faults.hold(worker, error.message)
      }
      const called = (call: () => unknown, phase: string) =>
        guarded(call, (error) => owner.fault(`${phase} of the thread ${name}`, error))
      const worker = workers.dedicated(name, url, {
        ...options,
        onMessage: (message) => called(() => options.onMessage?.(message), 'a message'),
        onStart: () => called(() => options.onStart?.(), 'the start'),
        failed,
        stopped() {
          forget()
          owner.faults.hold(worker, undefined)
        },
      })
      const forget = scope.defer(() => worker.stop())
      const heard = () => void owner.phases.silentThreads.delete(name)
      owner.phases.silentThreads.add(name)
      worker.ready.then(heard, heard)
      return worker
    },
  }
}

function pluginDataDir({ host, section: { name: plugin }, isSettingUp }: ContextOptions): string {
  if (isSettingUp()) {
    const what = 'pluginDataDir() was called in setup, which opens nothing: call it in start or later'
    throw coreError('PLUGIN_INVALID', { plugin, what })
  }
  const directory = join(host.dataDir, plugin)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}

const pick = (tokens: TokenMap = {}, read: (id: string) => unknown) =>
  Object.fromEntries(Object.entries(tokens).map(([key, { id }]) => [key, read(id)]))

export function createContext(
  owner: ContextOwner,
  options: ContextOptions,
): PluginContext<unknown, TokenMap, TokenMap> {
  const { host, section, services, scope, log, signal, inherited } = options
  const clock = createPluginClock(host, owner, scope)
  const holder: Holder = {
    name: section.name,
    contribute: (contribution) => undoable(scope, owner.contributions.add(contribution)),
    defer(undo) {
      checkFunction('defer', undo)
      scope.defer(undo)
    },
  }
  return {
    ...holder,
    config: section.config,
    environment: host.environment,
    dataDir: host.dataDir,
    pluginDataDir: () => pluginDataDir(options),
    needs: pick(section.definition.needs, (id) => serviceFor(services.get(id), holder)) as never,
    wants: pick(section.definition.wants, (id) => serviceIfMade(services.get(id), holder)) as never,
    extensions: (point) => liveList(point, owner, options),
    clock,
    log,
    workers: scopedWorkers(owner, options),
    signal,
    report: (state, reason) => owner.faults.report(state, reason),
    inherited,
  }
}
