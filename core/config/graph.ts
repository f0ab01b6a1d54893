/** PURE. What plugins need of each other: the start order, the plugins that cannot start, the errors. */
import type { AnyPlugin } from '../contract/definition.ts'
import { type ArkwatchError, coreError } from '../contract/errors.ts'
import { EventLoop } from '../contract/event-loop.ts'
import { Runtime } from '../contract/runtime-api.ts'
import type { PluginSection } from './types.ts'

export type GraphNode = Pick<PluginSection, 'name' | 'disabled'> &
  Partial<Pick<PluginSection, 'required' | 'isStandIn'>> & {
    readonly definition: Pick<AnyPlugin, 'provides' | 'needs' | 'wants'>
  }

export interface Graph<N> {
  /** In start order; ties keep the order of config.yaml. */
  readonly order: readonly N[]
  /** Why plugins that are switched on cannot start, by name: a needed service is not available. */
  readonly blocked: ReadonlyMap<string, string>
  /** SERVICE_UNAVAILABLE, SERVICE_DUPLICATE, GRAPH_CYCLE, PLUGIN_REQUIRED_FAILED, each with the plugin it is about. */
  readonly errors: readonly { readonly plugin: string; readonly error: ArkwatchError }[]
}

type Ids = Pick<ReadonlySet<string>, 'has'>

/** The services that the runtime provides itself. */
export const builtinServices: Ids = new Set([Runtime.id, EventLoop.id])

export const serviceIds = (tokens: AnyPlugin['provides']): string[] =>
  Object.values((tokens ?? {}) as Record<string, { id: string }>).map((token) => token.id)

export const heldServices = ({ needs, wants }: Pick<AnyPlugin, 'needs' | 'wants'>): string[] => [
  ...serviceIds(needs),
  ...serviceIds(wants),
]

/** @returns why a plugin cannot start with these services, or undefined */
export function missingNeed({ needs }: GraphNode['definition'], available: Ids): string | undefined {
  const id = serviceIds(needs).find((need) => !available.has(need))
  return id === undefined ? undefined : `needs the service ${id}, which is not available`
}

/** @returns a path `a -> b -> a` through `edges`, which hold a cycle */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const path: string[] = []
  let name = edges.keys().next().value!
  while (!path.includes(name)) {
    path.push(name)
    name = edges.get(name)!.find((next) => edges.has(next))!
  }
  return [...path.slice(path.indexOf(name)), name]
}

/** @param nodes in the order of config.yaml; a disabled one needs nothing and gives way to another provider */
export function readGraph<N extends GraphNode>(nodes: readonly N[], builtin: Ids = builtinServices): Graph<N> {
  const errors: { plugin: string; error: ArkwatchError }[] = []
  const on = nodes.filter(({ disabled }) => disabled === undefined)
  const providers = new Map<string, string>()
  for (const { name, definition, disabled } of new Set([...on, ...nodes])) {
    for (const id of serviceIds(definition.provides)) {
      const first = builtin.has(id) ? 'the runtime' : providers.get(id)
      if (first === undefined) providers.set(id, name)
      else if (disabled === undefined)
        errors.push({ plugin: name, error: coreError('SERVICE_DUPLICATE', { service: id, first, second: name }) })
    }
  }
  const mayBeProvided = nodes.some(({ isStandIn }) => isStandIn)
  const edges = new Map<string, readonly string[]>(nodes.map(({ name }) => [name, []]))
  for (const { name, definition } of on) {
    const needs = serviceIds(definition.needs)
    const service = needs.find((id) => !providers.has(id) && !builtin.has(id))
    if (service !== undefined && !mayBeProvided) {
      const why = `: plugin ${name} needs the service, and no plugin of the configuration provides it`
      errors.push({ plugin: name, error: coreError('SERVICE_UNAVAILABLE', { service, why, plugin: name }) })
    }
    edges.set(
      name,
      [...needs, ...serviceIds(definition.wants)].flatMap((id) => providers.get(id) ?? []),
    )
  }
  const order: N[] = []
  while (edges.size > 0) {
    const next = nodes.find(({ name }) => edges.get(name)?.every((before) => !edges.has(before)))
    if (next !== undefined) {
      order.push(next)
      edges.delete(next.name)
      continue
    }
    const cycle = findCycle(edges)
    errors.push({ plugin: cycle[0]!, error: coreError('GRAPH_CYCLE', { cycle: cycle.join(' -> ') }) })
    for (const name of cycle) edges.delete(name)
  }
  const blocked = new Map<string, string>()
  const up = new Set<string>()
  const available = { has: (id: string) => up.has(id) || builtin.has(id) }
  for (const { name, definition, disabled, required } of order) {
    const reason = disabled === undefined ? missingNeed(definition, available) : undefined
    if (reason !== undefined) blocked.set(name, reason)
    else if (disabled === undefined) for (const id of serviceIds(definition.provides)) up.add(id)
    if (reason !== undefined && required === true && !errors.some(({ plugin }) => plugin === name)) {
      const details = { plugin: name, state: 'blocked', reason }
      errors.push({ plugin: name, error: coreError('PLUGIN_REQUIRED_FAILED', details) })
    }
  }
  return { order, blocked, errors }
}
