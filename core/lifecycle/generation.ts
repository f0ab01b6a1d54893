/** A generation: the instances that one configuration made. */
import type { Graph } from '../config/graph.ts'
import type { PluginSection } from '../config/types.ts'
import { isUp } from '../contract/plugin-state.ts'
import type { PluginInstance } from './plugin-instance.ts'
import type { PlanNode } from './reload-plan.ts'

export type Builtins = ReadonlyMap<string, unknown>

/** Instances by name, in start order. */
export type Generation = ReadonlyMap<string, PluginInstance>

export function servicesOf(generation: Generation, builtins: Builtins): Map<string, unknown> {
  const services = new Map(builtins)
  for (const { state, services: provided } of generation.values()) {
    if (isUp(state)) for (const [id, service] of provided) services.set(id, service)
  }
  return services
}

export const runningNodes = (generation: Generation): PlanNode[] =>
  [...generation.values()].map(({ name, definition, section, state, reason, parts }) => ({
    name,
    definition,
    config: section.config,
    off: isUp(state) ? undefined : { state, reason },
    reconfigurable: parts.reconfigure !== undefined,
    handsOver: parts.handover !== undefined,
  }))

export const wantedNodes = ({ order, blocked }: Graph<PluginSection>): PlanNode[] =>
  order.map(({ name, definition, config, disabled }) => {
    const reason = disabled ?? blocked.get(name)
    const state = disabled === undefined ? 'blocked' : 'disabled'
    return { name, definition, config, off: reason === undefined ? undefined : { state, reason } }
  })
