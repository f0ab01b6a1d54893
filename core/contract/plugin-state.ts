/** The states of a plugin and the moves between them. */
import { coreError } from './errors.ts'

/** The states that may follow each state. */
const moves = {
  disabled: [],
  starting: ['ok', 'degraded', 'failed', 'stopping'],
  ok: ['degraded', 'failed', 'stopping'],
  degraded: ['ok', 'degraded', 'failed', 'stopping'],
  failed: ['stopping'],
  blocked: [],
  stopping: ['stopped', 'failed'],
  stopped: [],
} satisfies Readonly<Record<string, readonly string[]>>
export type PluginState = keyof typeof moves
export const pluginStates = Object.keys(moves) as readonly PluginState[]

/** Whether the services of a plugin may be used. */
export const isUp = (state: PluginState): boolean => state === 'ok' || state === 'degraded'

/** @throws STATE_INVALID */
export function moveState(plugin: string, from: PluginState, to: PluginState): PluginState {
  if (!(moves[from] as readonly string[]).includes(to)) throw coreError('STATE_INVALID', { plugin, from, to })
  return to
}
