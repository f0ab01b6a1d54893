/** A control command that its witnesses are told of. */
import type { ControlCommand, ControlWitness } from '../contract/runtime-api.ts'

/** @param witnesses those of the moment @returns the command, which runs only after all of them were told */
export function witnessed(command: ControlCommand, witnesses: () => readonly ControlWitness[]): ControlCommand {
  const { changes } = command
  if (changes === undefined) return command
  return {
    ...command,
    async run(args) {
      if (!changes(args)) return command.run(args)
      const settles = await Promise.all(witnesses().map((witness) => witness(command.name, args)))
      const settle = (outcome: string) => Promise.all(settles.map((each) => each(outcome)))
      try {
        const result = await command.run(args)
        await settle('ok')
        return result
      } catch (error) {
        await settle(String((error as { code?: unknown }).code ?? 'failed'))
        throw error
      }
    },
  }
}
