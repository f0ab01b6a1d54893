/** A control command that the command auditors record. */
import { ArkwatchError, errorOf, messageOf } from '../contract/errors.ts'
import type { CommandAuditor, ControlCommand } from '../contract/runtime-api.ts'
import type { Contributed, Extensions } from '../contract/tokens.ts'

/** Calls a contributed value. An error without a code is a fault of its plugin. @throws what the call throws */
async function guarded<T, R>({ value, fault }: Contributed<T>, call: (value: T) => R): Promise<Awaited<R>> {
  try {
    return await call(value)
  } catch (error) {
    if (!(errorOf(error) instanceof ArkwatchError)) fault(error)
    throw error
  }
}

/** @returns the present commands by name; a change runs only after every auditor accepted the command */
export const auditedCommands = (
  commands: Extensions<ControlCommand>,
  auditors: () => readonly Contributed<CommandAuditor>[],
): ReadonlyMap<string, ControlCommand> =>
  new Map(commands.all.map((command) => [command.value.name, audited(command, auditors)]))

/** @param auditors the present ones @returns the command, which runs only after every auditor accepted the command */
export function audited(
  contributed: Contributed<ControlCommand>,
  auditors: () => readonly Contributed<CommandAuditor>[],
): ControlCommand {
  const { value: command } = contributed
  return {
    name: command.name,
    async run(args) {
      const run = () => guarded(contributed, () => command.run(args))
      if ((await guarded(contributed, () => command.changes?.(args))) !== true) return run()
      const begin = async (auditor: Contributed<CommandAuditor>) => ({
        ...auditor,
        value: await guarded(auditor, (audit) => audit(command.name, args)),
      })
      const settles = await Promise.all(auditors().map(begin))
      const settle = (outcome: string) => Promise.all(settles.map((each) => guarded(each, (end) => end(outcome))))
      const result = await run().catch(async (error) => {
        await settle(messageOf(errorOf(error).code ?? 'failed'))
        throw error
      })
      await settle('ok')
      return result
    },
  }
}
