/** PURE. The start order of plugins. */
import type { AnyPlugin } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'

export interface GraphNode {
  readonly name: string
  readonly definition: Pick<AnyPlugin, 'provides' | 'needs' | 'wants'>
}

/** The ids of the services in a token map. */
export const serviceIds = (tokens: AnyPlugin['provides']): string[] =>
  Object.values((tokens ?? {}) as Record<string, { id: string }>).map((token) => token.id)

/** The services that the runtime provides itself. */
type Builtin = Pick<ReadonlySet<string>, 'has'>

/** @returns the providing plugin by service id @throws SERVICE_DUPLICATE */
function findProviders(nodes: readonly GraphNode[], builtin: Builtin): Map<string, string> {
  const providers = new Map<string, string>()
  for (const { name, definition } of nodes) {
    for (const id of serviceIds(definition.provides)) {
      const first = builtin.has(id) ? 'the runtime' : providers.get(id)
      if (first !== undefined) throw coreError('SERVICE_DUPLICATE', { service: id, first, second: name })
      providers.set(id, name)
    }
  }
  return providers
}

/** @returns a path `a -> b -> a` through `edges`, which hold a cycle */
function describeCycle(edges: ReadonlyMap<string, readonly string[]>): string {
  const path: string[] = []
  let name: string | undefined = edges.keys().next().value
  while (name !== undefined && !path.includes(name)) {
    path.push(name)
    name = edges.get(name)?.find((next) => edges.has(next))
  }
  return [...path.slice(path.indexOf(name!)), name].join(' -> ')
}

/**
 * @param nodes in the order of config.yaml
 * @returns the nodes in start order; ties keep their order
 * @throws SERVICE_UNAVAILABLE for a needed service without a provider, SERVICE_DUPLICATE, GRAPH_CYCLE
 */
export function orderPlugins<N extends GraphNode>(nodes: readonly N[], builtin: Builtin = new Set()): N[] {
  const providers = findProviders(nodes, builtin)
  const edges = new Map<string, string[]>()
  for (const { name, definition } of nodes) {
    for (const id of serviceIds(definition.needs)) {
      if (!providers.has(id) && !builtin.has(id)) throw coreError('SERVICE_UNAVAILABLE', { service: id, plugin: name })
    }
    const ids = [...serviceIds(definition.needs), ...serviceIds(definition.wants)]
    const before = ids.flatMap((id) => providers.get(id) ?? [])
    edges.set(name, before)
  }
  const order: N[] = []
  while (edges.size > 0) {
    const next = nodes.find(({ name }) => edges.get(name)?.every((before) => !edges.has(before)))
    if (next === undefined) throw coreError('GRAPH_CYCLE', { cycle: describeCycle(edges) })
    order.push(next)
    edges.delete(next.name)
  }
  return order
}
