/** The context of a plugin's setup. Everything opened through the context is recorded in the instance's undo scope. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginSection } from '../config/types.ts'
import type { Clock } from '../contract/clock.ts'
import type { Environment, PluginContext } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { Workers } from '../contract/tasks.ts'
import type { Contribution, ExtensionPoint, Extensions, TokenMap } from '../contract/tokens.ts'
import type { RuntimeWorkers } from '../process/workers.ts'
import type { ExtensionRegistry } from './extension-registry.ts'
import type { Pause } from './pause.ts'
import { createPluginClock } from './plugin-clock.ts'
import type { UndoScope } from './undo-scope.ts'

/** The clock, registry and settings that every instance of a runtime shares. */
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

export interface ContextOptions {
  readonly host: InstanceEnvironment
  readonly section: PluginSection
  readonly services: Services
  readonly inherited: unknown
  readonly scope: UndoScope
  readonly signal: AbortSignal
  readonly log: Logger
  isSettingUp(): boolean
  contribute(contribution: Contribution): () => void
  report: PluginContext<unknown, TokenMap, TokenMap>['report']
  fault(phase: string, error: unknown): void
  /** Adds time spent on the main thread. */
  spent(ms: number): void
  /** Adds the run time of a task. */
  taskSpent(ms: number): void
}

/** Runs `end` once: by the returned function, or with the undo scope. */
function endWith<T>(scope: UndoScope, end: () => T): () => T {
  const forget = scope.defer(() => void end())
  return () => {
    forget()
    return end()
  }
}

function liveList<T>(point: ExtensionPoint<T>, { host, scope, fault }: ContextOptions): Extensions<T> {
  const live = host.registry.of(point)
  return {
    get all() {
      return live.all
    },
    onChange(listener) {
      const guarded = () => {
        try {
          listener()
        } catch (error) {
          fault('an extension listener', error)
        }
      }
      return endWith(scope, live.onChange(guarded))
    },
  }
}

function scopedWorkers({ host: { workers }, scope, signal, fault, taskSpent }: ContextOptions): Workers {
  return {
    run: (task, input, options = {}) => {
      const either = options.signal ? AbortSignal.any([options.signal, signal]) : signal
      return workers.run(task, input, { ...options, signal: either, spent: taskSpent })
    },
    dedicated(name, url, options = {}) {
      const onMessage = (message: unknown) => {
        try {
          options.onMessage?.(message)
        } catch (error) {
          fault(`a message of the thread ${name}`, error)
        }
      }
      const failed = (error: Error) => fault(`the thread ${name}`, error)
      const worker = workers.dedicated(name, url, { ...options, onMessage, failed, stopped: () => forget() })
      const forget = scope.defer(() => worker.stop())
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

const pick = (tokens: TokenMap = {}, services: Services) =>
  Object.fromEntries(Object.entries(tokens).map(([key, { id }]) => [key, services.get(id)]))

export function createContext(options: ContextOptions): PluginContext<unknown, TokenMap, TokenMap> {
  const { host, section, services, scope, fault, spent } = options
  const { clock, cancelAll } = createPluginClock({ clock: host.clock, pause: host.pause, fault, spent })
  scope.defer(cancelAll)
  return {
    name: section.name,
    config: section.config,
    environment: host.environment,
    dataDir: host.dataDir,
    pluginDataDir: () => pluginDataDir(options),
    needs: pick(section.definition.needs, services) as never,
    wants: pick(section.definition.wants, services) as never,
    extensions: (point) => liveList(point, options),
    contribute: options.contribute,
    clock,
    log: options.log,
    workers: scopedWorkers(options),
    signal: options.signal,
    defer: (undo) => void scope.defer(undo),
    report: options.report,
    inherited: options.inherited,
  }
}
