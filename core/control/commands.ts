/** The control commands of core itself. */
import type { RuntimeConfig } from '../config/types.ts'
import type { ControlCommand, Runtime } from '../contract/runtime-api.ts'

const always = () => true
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** @param config the configuration in force */
export const coreCommands = (runtime: Runtime, config: () => RuntimeConfig): readonly ControlCommand[] => [
  { name: 'status', run: () => runtime.status() },
  { name: 'plan', run: () => runtime.plan() },
  { name: 'reload', changes: always, run: () => runtime.reload() },
  { name: 'pause', changes: always, run: () => runtime.pause() },
  { name: 'resume', changes: always, run: () => runtime.resume() },
  { name: 'config.plan', run: ({ patch }) => runtime.changes.plan(patch) },
  {
    name: 'config.apply',
    changes: always,
    run({ patch, confirmWithinMs: ms }) {
      const confirmWithinMs = typeof ms === 'number' && ms > 0 ? ms : undefined
      return runtime.changes.apply(patch, { by: 'control-socket', confirmWithinMs })
    },
  },
  { name: 'config.confirm', changes: always, run: ({ id }) => runtime.changes.confirm(text(id)) },
  { name: 'config.rollback', changes: always, run: ({ id }) => runtime.changes.rollback(text(id)) },
  { name: 'config.changes', run: () => ({ changes: runtime.changes.history }) },
  {
    name: 'plugins.restart',
    changes: always,
    run: async ({ plugin }) => ({ steps: await runtime.restart(String(plugin)) }),
  },
  {
    name: 'config',
    run: async () => {
      const { effective, sources } = await config().describe()
      return { config: effective, sources: Object.fromEntries(sources) }
    },
  },
]
