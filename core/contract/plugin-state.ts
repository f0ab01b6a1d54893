/** The states of a plugin and the moves between them. */
import { coreError } from './errors.ts'

export const pluginStates = [
  'disabled',
  'starting',
  'ok',
  'degraded',
  'failed',
  'blocked',
  'stopping',
  'stopped',
] as const
export type PluginState = (typeof pluginStates)[number]

const moves: Readonly<Record<PluginState, readonly PluginState[]>> = {
  disabled: [],
  blocked: [],
  starting: ['ok', 'degraded', 'failed', 'stopping'],
  ok: ['degraded', 'failed', 'stopping'],
  degraded: ['ok', 'degraded', 'failed', 'stopping'],
  failed: ['stopping'],
  stopping: ['stopped', 'failed'],
  stopped: [],
}

/** Whether its services may be used. */
export const isUp = (state: PluginState): boolean => state === 'ok' || state === 'degraded'

/** @throws STATE_INVALID where there is no such move */
export function moveState(plugin: string, from: PluginState, to: PluginState): PluginState {
  if (!moves[from].includes(to)) throw coreError('STATE_INVALID', { plugin, from, to })
  return to
}
