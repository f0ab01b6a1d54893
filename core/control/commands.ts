/** The control commands of core itself. */
import type { RuntimeConfig } from '../config/types.ts'
import type { Clock } from '../contract/clock.ts'
import { coreError } from '../contract/errors.ts'
import type { ControlCommand, Runtime } from '../contract/runtime-api.ts'
import { whenFree } from '../process/when-free.ts'

/** How long a command waits for a reload in progress: half of what the command line waits. */
const waitMs = 30_000

const always = () => true
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** @throws CONTROL_BAD_REQUEST: without the limit, the change would be for good */
function limit(ms: unknown): number | undefined {
  if (ms === undefined || (typeof ms === 'number' && ms > 0)) return ms
  const reason = `confirmWithinMs is a number of milliseconds above 0, not ${JSON.stringify(ms)}`
  throw coreError('CONTROL_BAD_REQUEST', { command: 'config.apply', reason })
}

/** @param config the configuration in force @param stopped ends the wait for a reload in progress */
export function coreCommands(
  runtime: Runtime,
  config: () => RuntimeConfig,
  clock: Clock,
  stopped: AbortSignal,
): readonly ControlCommand[] {
  // The watcher of files may be faster than the command that follows an edit.
  const soon = <T>(run: () => Promise<T>) => whenFree(run, clock, waitMs, stopped)
  return [
    { name: 'status', run: () => runtime.status() },
    { name: 'plan', run: () => runtime.plan() },
    { name: 'reload', changes: always, run: () => soon(() => runtime.reload()) },
    { name: 'pause', changes: always, run: () => runtime.pause() },
    { name: 'resume', changes: always, run: () => runtime.resume() },
    { name: 'config.plan', run: ({ patch }) => runtime.changes.plan(patch) },
    {
      name: 'config.apply',
      changes: always,
      run({ patch, confirmWithinMs: ms }) {
        const confirmWithinMs = limit(ms)
        return soon(() => runtime.changes.apply(patch, { by: 'control-socket', confirmWithinMs }))
      },
    },
    { name: 'config.confirm', changes: always, run: ({ id }) => runtime.changes.confirm(text(id)) },
    { name: 'config.rollback', changes: always, run: ({ id }) => runtime.changes.rollback(text(id)) },
    { name: 'config.changes', run: () => ({ changes: runtime.changes.history }) },
    {
      name: 'plugins.restart',
      changes: always,
      run: async ({ plugin }) => ({ steps: await soon(() => runtime.restart(String(plugin))) }),
    },
    {
      name: 'config',
      run: async () => {
        const { effective, sources } = await config().describe()
        return { config: effective, sources: Object.fromEntries(sources) }
      },
    },
  ]
}
