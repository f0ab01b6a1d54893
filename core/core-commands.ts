/** What the control socket offers without any plugin. */
import type { RuntimeConfig } from './config/types.ts'
import type { ControlCommand, Runtime } from './runtime-api.ts'

/** @param config the configuration in force */
export const coreCommands = (runtime: Runtime, config: () => RuntimeConfig): readonly ControlCommand[] => [
  { name: 'status', run: () => runtime.status() },
  { name: 'plan', run: () => runtime.plan() },
  { name: 'reload', run: () => runtime.reload() },
  { name: 'pause', run: () => runtime.pause() },
  { name: 'resume', run: () => runtime.resume() },
  { name: 'config', run: () => ({ config: config().effective, sources: Object.fromEntries(config().sources) }) },
]
