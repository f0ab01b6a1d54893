/** A control command that the command auditors record. */
import { ArkwatchError } from '../contract/errors.ts'
import type { CommandAuditor, ControlCommand } from '../contract/runtime-api.ts'
import type { Contributed } from '../contract/tokens.ts'

/** Calls a contributed value. An error without a code of Arkwatch is a fault of its plugin. @throws what the call throws */
async function guarded<T, R>({ value, fault }: Contributed<T>, call: (value: T) => R): Promise<Awaited<R>> {
  try {
    return await call(value)
  } catch (error) {
    if (!(error instanceof ArkwatchError)) fault(error)
    throw error
  }
}

/** @param auditors the present ones @returns the command, which runs only after every auditor accepted the command */
export function audited(
  contributed: Contributed<ControlCommand>,
  auditors: () => readonly Contributed<CommandAuditor>[],
): ControlCommand {
  const { value: command } = contributed
  const run: ControlCommand['run'] = (args) => guarded(contributed, () => command.run(args))
  return {
    name: command.name,
    async run(args) {
      if (command.changes?.(args) !== true) return run(args)
      const settles = await Promise.all(
        auditors().map(async (auditor) => ({
          ...auditor,
          value: await guarded(auditor, (audit) => audit(command.name, args)),
        })),
      )
      const settle = (outcome: string) => Promise.all(settles.map((each) => guarded(each, (end) => end(outcome))))
      try {
        const result = await run(args)
        await settle('ok')
        return result
      } catch (error) {
        await settle(String((error as { code?: unknown }).code ?? 'failed'))
        throw error
      }
    },
  }
}
