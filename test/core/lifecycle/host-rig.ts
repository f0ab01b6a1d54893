/** A host with plugins made of a few lines each, a clock that stands still, and a trace of what happened. */

import type { PluginSection } from '../../../core/config/types.ts'
import {
  type AnyPlugin,
  definePlugin,
  type PluginContext,
  type PluginParts,
} from '../../../core/contract/definition.ts'
import type { LogRecord } from '../../../core/contract/logger.ts'
import type { TokenMap } from '../../../core/contract/tokens.ts'
import { ExtensionRegistry } from '../../../core/lifecycle/extension-registry.ts'
import { Host } from '../../../core/lifecycle/host.ts'
import { Pause } from '../../../core/lifecycle/pause.ts'
import { extensionPoint, service, z } from '../../../core/plugin.ts'
import { LogHub } from '../../../core/process/log.ts'
import { createWorkers } from '../../../core/process/workers.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'

export type Context = PluginContext<unknown, TokenMap, TokenMap>
export type Parts = PluginParts<unknown, TokenMap>
export interface Spec {
  provides?: string[]
  needs?: string[]
  wants?: string[]
  exclusive?: boolean
  packages?: string[]
  setup?(context: Context): Parts
}
const tokens = (ids: string[] = []) => Object.fromEntries(ids.map((id) => [id, service<unknown>(id)]))
export const numbers = extensionPoint<unknown>('test.numbers')

export function rig() {
  const clock = testClock()
  const lines: LogRecord[] = []
  const hub = new LogHub(clock, recordingSink(lines))
  const registry = new ExtensionRegistry()
  const trace: string[] = []
  const definitions = new Map<string, AnyPlugin>()
  const monitoring = new Pause(false)
  const host = new Host({
    host: {
      clock,
      registry,
      workers: createWorkers({ maxThreads: 1, maxQueue: 1 }, clock, hub.logger('core')),
      environment: 'production',
      dataDir: '/nowhere',
      logger: (name) => hub.logger(name),
      pause: monitoring,
    },
    builtins: new Map(),
    swapped: () => {},
    hookMs: () => 0,
  })
  const define = (name: string, spec: Spec = {}): void => {
    definitions.set(
      name,
      definePlugin({
        api: 1,
        name,
        version: '1.0.0',
        summary: 'A test.',
        config: z.unknown(),
        provides: tokens(spec.provides),
        needs: tokens(spec.needs),
        wants: tokens(spec.wants),
        exclusive: spec.exclusive ?? false,
        packages: spec.packages ?? [],
        setup: (context) => {
          const parts = spec.setup?.(context as Context) ?? {}
          return {
            services: Object.fromEntries(
              (spec.provides ?? []).map((id) => [id, `${id} of ${JSON.stringify(context.config)}`]),
            ),
            ...parts,
            async start() {
              trace.push(`start ${name}`)
              await parts.start?.()
            },
            async stop(reason) {
              trace.push(`stop ${name} ${reason}`)
              await parts.stop?.(reason)
            },
          }
        },
      }) as AnyPlugin,
    )
  }
  const section = (name: string, config: unknown = 1, more: Partial<PluginSection> = {}): PluginSection => ({
    name,
    definition: definitions.get(name)!,
    required: false,
    config,
    ...more,
  })
  const states = () => Object.fromEntries(host.status().map(({ name, state }) => [name, state]))
  const reasons = () => Object.fromEntries(host.status().map(({ name, reason }) => [name, reason]))
  const live = registry.of(numbers)
  return {
    ...{ clock, lines, host, define, section, states, reasons, trace, live },
    pause: (value: boolean) => (value ? monitoring.pause() : monitoring.resume()),
  }
}
