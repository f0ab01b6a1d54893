/** What rolls a pending change back: a plugin that falls, or a signal that was not there before the change. */
import { isUp, type PluginState } from '../../contract/plugin-state.ts'
import type { PlanStep, RollbackSignal, RuntimeStatus } from '../../contract/runtime-api.ts'

interface Observed {
  status(): Pick<RuntimeStatus, 'plugins'>
  /** The rollback signals of the present. */
  signals(): readonly RollbackSignal[]
}

/** Called before the change. @returns the reason to roll the change back, if there is one now */
export function createProbe({ status, signals }: Observed): (steps: readonly PlanStep[]) => string | undefined {
  const states = () => new Map<string, PluginState>(status().plugins.map(({ name, state }) => [name, state]))
  const before = states()
  const known = new Set(signals().map(({ what }) => what))
  return (steps) => {
    const now = states()
    // A plugin that the change removed or disabled is not meant to run.
    const fallen = [...before].find(([name, was]) => {
      const state = now.get(name) ?? 'disabled'
      return isUp(was) && !isUp(state) && state !== 'disabled'
    })
    if (fallen !== undefined) return `the plugin ${fallen[0]} is no longer up`
    const isTouched = (name: string) => steps.some(({ plugin, action }) => plugin === name && action !== 'untouched')
    return signals().find(({ what, critical, plugin }) => !known.has(what) && (critical || isTouched(plugin)))?.what
  }
}
