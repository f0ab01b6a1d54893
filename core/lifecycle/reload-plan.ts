/** PURE. The plan of a reload: one step for each plugin. */
import { heldServices, serviceIds } from '../config/graph.ts'
import type { AnyPlugin } from '../contract/definition.ts'
import type { PlanStep } from '../contract/runtime-api.ts'

/** A running plugin, or a plugin of the new configuration. */
export interface PlanNode {
  readonly name: string
  readonly definition: AnyPlugin
  readonly config: unknown
  /** State and reason of a plugin that is not up, or that the configuration leaves off. */
  readonly off?: { readonly state: string; readonly reason: string } | undefined
  readonly reconfigurable?: boolean
  readonly handsOver?: boolean
}

type Move = Omit<PlanStep, 'state'>
const step = (plugin: string, action: PlanStep['action'], reason: string, off?: string): Move => ({
  ...{ plugin, action, reason },
  ...(off !== undefined && { off }),
})

/** Whether the state of one definition means something to the other: `from` may name another plugin. */
export const inherits = (after: AnyPlugin | undefined, before: AnyPlugin): boolean => after?.name === before.name

/** What a step does to the state of the running plugin. */
function stateAfter({ action, plugin }: Move, before: PlanNode | undefined, after?: AnyPlugin, restart?: string) {
  if (before === undefined || before.off !== undefined || before.definition.holdsState === false) return 'none'
  if (action === 'untouched' || action === 'reconfigure') return 'kept'
  const isHandedOver = action === 'replace' && before.handsOver === true && plugin !== restart
  return isHandedOver && inherits(after, before.definition) ? 'kept' : 'lost'
}

function ownStep(before: PlanNode | undefined, after: PlanNode): Move {
  if (after.off !== undefined) {
    const { state, reason } = after.off
    if (before !== undefined && before.off === undefined) return step(after.name, 'remove', state, reason)
    const stays = before?.off?.state === state && before.off.reason === reason
    return stays ? step(after.name, 'untouched', `stays ${state}`) : step(after.name, 'untouched', state, reason)
  }
  if (before === undefined) return step(after.name, 'add', 'new')
  if (before.off !== undefined) return step(after.name, 'add', 'was not running')
  if (before.definition !== after.definition) return step(after.name, 'replace', 'another definition')
  if (Bun.deepEquals(before.config, after.config, true)) return step(after.name, 'untouched', 'same config')
  return before.reconfigurable
    ? step(after.name, 'reconfigure', 'config changed')
    : step(after.name, 'replace', 'config changed, and the plugin is not reconfigurable')
}

/** @returns a step for each plugin: the wanted in start order, then the removed. A changed service replaces holders. */
export function planReload(running: readonly PlanNode[], wanted: readonly PlanNode[], restart?: string): PlanStep[] {
  const before = new Map(running.map((node) => [node.name, node]))
  const changed = new Map<string, string>()
  const changes = (node: PlanNode | undefined) => {
    for (const id of serviceIds(node?.definition.provides)) changed.set(id, node!.name)
  }
  const gone = running.filter((node) => !wanted.some(({ name }) => name === node.name))
  for (const node of gone) changes(node)
  const steps = wanted.map((node) => {
    const old = before.get(node.name)
    let own = ownStep(old, node)
    if (node.name === restart && node.off === undefined) own = step(node.name, 'replace', 'restart')
    if (own.action === 'untouched' || own.action === 'reconfigure') {
      const id = heldServices(node.definition).find((service) => changed.has(service))
      if (id !== undefined && node.off === undefined)
        own = step(node.name, 'replace', `the service ${id} of plugin ${changed.get(id)} changes`)
    }
    if (own.action === 'add' || own.action === 'replace' || own.action === 'remove') {
      changes(old)
      changes(node)
    }
    return own
  })
  const all = [...steps, ...gone.map(({ name }) => step(name, 'remove', 'no longer named'))]
  const definitions = new Map(wanted.map(({ name, definition }) => [name, definition]))
  return all.map((each) => {
    const { plugin } = each
    return { ...each, state: stateAfter(each, before.get(plugin), definitions.get(plugin), restart) }
  })
}
