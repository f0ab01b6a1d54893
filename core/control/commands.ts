/** The control commands of core itself. */
import { z } from 'zod'
import { patchWithoutSecrets } from '../config/schema/without-secrets.ts'
import { isMap } from '../config/tree/json-merge-patch.ts'
import type { RuntimeConfig } from '../config/types.ts'
import type { Clock } from '../contract/clock.ts'
import { type ControlCommand, controlCommand, type Runtime } from '../contract/runtime-api.ts'
import type { Contribution } from '../contract/tokens.ts'
import { whenFree } from '../process/when-free.ts'

/** How long a command waits for a reload in progress: half of what the command line waits. */
const waitMs = 30_000

const always = () => true
const none = z.strictObject({})
/** Not a record of zod, which leaves a key `__proto__` out. */
const patch = z.unknown().refine(isMap, 'expected a map').meta({ type: 'object' })
const change = z.strictObject({ id: z.string().min(1).max(128).optional() })

/** @param config the configuration in force @param stopped ends the wait for a reload in progress */
export function coreCommands(
  runtime: Runtime,
  config: () => RuntimeConfig,
  clock: Clock,
  stopped: AbortSignal,
): readonly Contribution<ControlCommand>[] {
  // The watcher of files may be faster than the command that follows an edit.
  const soon = <T>(run: () => Promise<T>) => whenFree(run, clock, waitMs, stopped)
  return [
    controlCommand({ name: 'status', args: none, run: () => runtime.status() }),
    controlCommand({ name: 'plan', args: none, run: () => runtime.plan() }),
    controlCommand({ name: 'reload', args: none, changes: always, run: () => soon(() => runtime.reload()) }),
    controlCommand({ name: 'pause', args: none, changes: always, run: () => runtime.pause() }),
    controlCommand({ name: 'resume', args: none, changes: always, run: () => runtime.resume() }),
    controlCommand({
      name: 'config.plan',
      args: z.strictObject({ patch }),
      run: (args) => runtime.changes.plan(args.patch),
    }),
    controlCommand({
      name: 'config.apply',
      args: z.strictObject({ patch, confirmWithinMs: z.number().min(1_000).max(3_600_000).optional() }),
      changes: always,
      recorded: ({ patch, ...rest }) => ({ patch: patchWithoutSecrets(patch, config().plugins), ...rest }),
      run: ({ patch, confirmWithinMs }) =>
        soon(() => runtime.changes.apply(patch, { by: 'control-socket', confirmWithinMs })),
    }),
    controlCommand({
      name: 'config.confirm',
      args: change,
      changes: always,
      run: ({ id }) => runtime.changes.confirm(id),
    }),
    controlCommand({
      name: 'config.rollback',
      args: change,
      changes: always,
      run: ({ id }) => runtime.changes.rollback(id),
    }),
    controlCommand({ name: 'config.changes', args: none, run: () => ({ changes: runtime.changes.history }) }),
    controlCommand({
      name: 'plugins.restart',
      args: z.strictObject({ plugin: z.string() }),
      changes: always,
      run: async ({ plugin }) => ({ steps: await soon(() => runtime.restart(plugin)) }),
    }),
    controlCommand({
      name: 'config',
      args: none,
      async run() {
        const { effective, sources } = await config().describe()
        return { config: effective, sources: Object.fromEntries(sources) }
      },
    }),
  ]
}
