/** One set of running plugins, and how the next one is built beside it. */
import type { PluginSection } from '../config/types.ts'
import type { Handover } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { isUp } from '../contract/plugin-state.ts'
import type { PlanStep } from '../contract/runtime-api.ts'
import type { TokenMap } from '../contract/tokens.ts'
import { orderPlugins, serviceIds } from './graph.ts'
import type { PlanNode } from './plan.ts'
import type { InstanceEnvironment } from './plugin-context.ts'
import { PluginInstance } from './plugin-instance.ts'

export type Builtins = ReadonlyMap<string, unknown>

/** Instances by name, in start order. */
export type Generation = ReadonlyMap<string, PluginInstance>

/** The sections in start order. @throws the graph's errors */
export function inStartOrder(sections: readonly PluginSection[], builtins: Builtins): PluginSection[] {
  const byName = new Map(sections.map((section) => [section.name, section]))
  return orderPlugins(sections, new Set(builtins.keys())).order.map((name) => byName.get(name)!)
}

/** The services of everything that is up. */
export function servicesOf(generation: Generation, builtins: Builtins): Map<string, unknown> {
  const services = new Map(builtins)
  for (const { state, definition, parts } of generation.values()) {
    if (!isUp(state)) continue
    const tokens = (definition.provides ?? {}) as TokenMap
    for (const [key, { id }] of Object.entries(tokens))
      services.set(id, (parts.services as Record<string, unknown>)[key])
  }
  return services
}

export const runningNodes = (generation: Generation): PlanNode[] =>
  [...generation.values()].map(({ name, definition, section, state, parts }) => ({
    name,
    definition,
    config: section.config,
    on: isUp(state),
    reconfigurable: parts.reconfigure !== undefined,
    handsOver: parts.handover !== undefined,
  }))

export const wantedNodes = (sections: readonly PluginSection[]): PlanNode[] =>
  sections.map(({ name, definition, config, disabled }) => ({ name, definition, config, on: disabled === undefined }))

/** Why it cannot start: a needed service is not there. */
function missingNeed(section: PluginSection, services: ReadonlyMap<string, unknown>): string | undefined {
  const id = serviceIds(section.definition.needs).find((need) => !services.has(need))
  return id === undefined ? undefined : `needs the service ${id}, which is not available`
}

/** What a build did, for the swap or for the way back. */
export interface Build {
  readonly next: Generation
  /** Old instances that the swap takes out, in start order. */
  readonly outgoing: readonly PluginInstance[]
  /** New instances that the swap brings in, in start order. */
  readonly incoming: readonly PluginInstance[]
  rollback(): Promise<Generation>
}

export interface BuildOptions {
  readonly host: InstanceEnvironment
  readonly builtins: Builtins
  readonly current: Generation
  /** In start order, as `inStartOrder` gives them. */
  readonly sections: readonly PluginSection[]
  readonly steps: readonly PlanStep[]
  /** At boot each plugin counts as soon as it has started, and an optional one may fail. */
  readonly boot: boolean
  /** A plugin that does not get the state of before. */
  readonly fresh?: string | undefined
}

/**
 * Builds the next generation beside the current one, which goes on until the swap.
 * @throws PLUGIN_FAILED, PLUGIN_TIMEOUT, PLUGIN_REQUIRED_FAILED; what was built is then taken down and the old one resumed
 */
export async function buildGeneration(options: BuildOptions): Promise<Build> {
  const { host, builtins, current, sections, steps, boot, fresh } = options
  const actions = new Map(steps.map(({ plugin, action }) => [plugin, action]))
  const next = new Map<string, PluginInstance>()
  const incoming: PluginInstance[] = []
  const handovers = new Map<PluginInstance, Handover>()
  /** Reverts what was done to instances that stay. */
  const reverts: (() => unknown)[] = []

  const inherit = async (old: PluginInstance | undefined): Promise<unknown> => {
    if (old === undefined || !isUp(old.state)) return undefined
    const handover = await old.handover()
    handovers.set(old, handover)
    if (old.definition.exclusive) await old.stop('reload')
    return old.name === fresh ? undefined : handover.state
  }

  const startOne = async (section: PluginSection): Promise<void> => {
    const services = servicesOf(next, builtins)
    const blocked = section.disabled === undefined ? missingNeed(section, services) : undefined
    if (section.disabled !== undefined || blocked !== undefined) {
      const state = blocked === undefined ? 'disabled' : 'blocked'
      next.set(section.name, PluginInstance.idle(section, host, state, section.disabled ?? blocked!))
      if (blocked !== undefined && section.required) {
        throw coreError('PLUGIN_REQUIRED_FAILED', { plugin: section.name, state, reason: blocked })
      }
      return
    }
    const old = current.get(section.name)
    const inherited = await inherit(old)
    const instance = new PluginInstance(section, host)
    next.set(section.name, instance)
    incoming.push(instance)
    try {
      await instance.start(services, inherited)
    } catch (error) {
      if (section.required) {
        throw coreError(
          'PLUGIN_REQUIRED_FAILED',
          { plugin: section.name, state: instance.state, reason: instance.reason },
          error,
        )
      }
      const retried = old !== undefined && !isUp(old.state) && Bun.deepEquals(old.section.config, section.config)
      if (!boot && !retried) throw error
    }
    if (boot && isUp(instance.state)) instance.activate()
  }

  /** Rebuilds what had to stop first, and whoever holds its services; wakes the rest. */
  const rollback = async (): Promise<Generation> => {
    for (const instance of incoming.toReversed()) await instance.stop('failed')
    for (const revert of reverts.toReversed()) await revert()
    const restored = new Map<string, PluginInstance>()
    const startedAgain: PluginInstance[] = []
    const rebuilt = new Set<string>()
    for (const old of current.values()) {
      const stopped = old.definition.exclusive && old.state === 'stopped' && handovers.has(old)
      const held = [...serviceIds(old.definition.needs), ...serviceIds(old.definition.wants)].some((id) =>
        rebuilt.has(id),
      )
      if (!stopped && !(held && isUp(old.state))) {
        restored.set(old.name, old)
        await Promise.resolve(handovers.get(old)?.resume()).catch((error) => old.fault('resume', error))
        continue
      }
      const handover = handovers.get(old) ?? (await old.handover())
      await old.stop('reload')
      for (const id of serviceIds(old.definition.provides)) rebuilt.add(id)
      const services = servicesOf(restored, builtins)
      const blocked = missingNeed(old.section, services)
      if (blocked !== undefined) {
        restored.set(old.name, PluginInstance.idle(old.section, host, 'blocked', blocked))
        continue
      }
      const again = new PluginInstance(old.section, host)
      restored.set(old.name, again)
      await again.start(services, handover.state).then(
        () => {
          again.activate()
          startedAgain.push(again)
        },
        () => {},
      )
    }
    // An instance that fails in ready is logged and stays failed.
    for (const instance of startedAgain) await instance.ready().catch(() => {})
    return restored
  }

  try {
    for (const section of sections) {
      const old = current.get(section.name)
      const action = actions.get(section.name)
      if (action === 'reconfigure') {
        reverts.push(await old!.reconfigure(section))
        next.set(section.name, old!)
      } else if (action === 'untouched' && old !== undefined && section.disabled === undefined) {
        const before = old.section
        reverts.push(() => old.takeSection(before))
        next.set(section.name, old.takeSection(section))
      } else {
        await startOne(section)
      }
    }
  } catch (error) {
    throw new BuildFailed(error, await rollback())
  }
  const outgoing = [...current.values()].filter((old) => next.get(old.name) !== old)
  return { next, outgoing, incoming, rollback }
}

/** A build that failed, with the generation that runs again. */
export class BuildFailed extends Error {
  constructor(
    readonly reason: unknown,
    readonly restored: Generation,
  ) {
    super('the next generation could not be built')
  }
}
