/** Changes that the command auditors record: by a control command, and by the runtime itself. */
import { z } from 'zod'
import { withoutSecrets } from '../config/schema/without-secrets.ts'
import type { Clock } from '../contract/clock.ts'
import { ArkwatchError, coreError, errorOf, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { CommandAuditor, ControlCommand } from '../contract/runtime-api.ts'
import type { Contributed, Extensions } from '../contract/tokens.ts'
import { withDeadline } from '../process/deadline.ts'
import { type Arguments, checkedArguments } from './arguments.ts'

/** The longest that a command may take: the greatest time that the command line waits. */
export const commandMs = 600_000
/** How often one command runs at one time: one that hangs keeps no other command waiting. */
export const maxRuns = 8

/** Calls a contributed value. An error without a code is a fault of its plugin. @throws what the call throws */
async function guarded<T, R>({ value, fault }: Contributed<T>, call: (value: T) => R): Promise<Awaited<R>> {
  try {
    return await call(value)
  } catch (error) {
    if (!(errorOf(error) instanceof ArkwatchError)) fault(error)
    throw error
  }
}

/** @returns the value itself @throws TypeError for a value that is not JSON */
function checkJson<T>(value: T): T {
  // Of the same kind as the answer, which is written of the value later.
  Response.json(value ?? null)
  return value
}

const runs = new WeakMap<ControlCommand, number>()

/**
 * @param auditors the present ones
 * @returns the command, which runs only with arguments that it takes, after every auditor accepted it, and in time
 */
export function audited(
  contributed: Contributed<ControlCommand>,
  auditors: () => readonly Contributed<CommandAuditor>[],
  clock: Clock,
): ControlCommand {
  const { value: command, fault } = contributed
  const { name, args: schema } = command
  const once = (args: Arguments) => guarded(contributed, async () => checkJson(await command.run(args)))
  const onRecord = async (given: Arguments) => {
    const args = await guarded(contributed, () => checkedArguments(command, given))
    if ((await guarded(contributed, () => command.changes?.(args))) !== true) return once(args)
    const shown = await guarded(
      contributed,
      () => command.recorded?.(args) ?? withoutSecrets([schema ?? z.unknown()], given),
    )
    const begin = async (auditor: Contributed<CommandAuditor>) => ({
      ...auditor,
      value: await guarded(auditor, (audit) => audit(name, shown as Arguments)),
    })
    const settles = await Promise.all(auditors().map(begin))
    const settle = (outcome: string) => Promise.all(settles.map((each) => guarded(each, (end) => end(outcome))))
    return settled(() => once(args), settle)
  }
  return {
    name,
    ...(schema && { args: schema }),
    async run(args) {
      const running = runs.get(command) ?? 0
      if (running >= maxRuns) throw coreError('CONTROL_BUSY', { command: name, limit: maxRuns })
      runs.set(command, running + 1)
      const work = onRecord(args).finally(() => runs.set(command, runs.get(command)! - 1))
      const late = () => {
        const error = coreError('CONTROL_TIMEOUT', { command: name, timeoutMs: commandMs })
        fault(error)
        return error
      }
      return withDeadline(work, commandMs, clock, late)
    },
  }
}

/** @returns the present commands by name */
export const auditedCommands = (
  commands: Extensions<ControlCommand>,
  auditors: () => readonly Contributed<CommandAuditor>[],
  clock: Clock,
): ReadonlyMap<string, ControlCommand> =>
  new Map(commands.all.map((command) => [command.value.name, audited(command, auditors, clock)]))

/** @param settle gets `ok`, or the code of the error that is then thrown */
async function settled<T>(run: () => Promise<T>, settle: (outcome: string) => Promise<unknown>): Promise<T> {
  const result = await run().catch(async (error) => {
    await settle(messageOf(errorOf(error).code ?? 'failed'))
    throw error
  })
  await settle('ok')
  return result
}

/** How long a change of the runtime waits for an auditor. */
const recordMs = 5_000

export interface OwnChange {
  readonly command: string
  readonly args: Arguments
  /** Who makes the change, `SIGHUP`; undefined for a change that is on record already. */
  readonly by: string | undefined
}

/** Runs a change of the runtime itself. What cannot be recorded is logged; the change is made all the same. */
export async function recorded<T>(
  { command, args, by }: OwnChange,
  auditors: readonly Contributed<CommandAuditor>[],
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  run: () => Promise<T>,
): Promise<T> {
  if (by === undefined) return run()
  const attempt = <R>(plugin: string, work: Promise<R>) => {
    const phase = `the record of ${command}`
    const late = () => coreError('PLUGIN_TIMEOUT', { plugin, phase, timeoutMs: recordMs, waits: '' })
    return withDeadline(work, recordMs, clock, late).catch((error) =>
      log.error('a change by the runtime is not recorded', { command, by, error }),
    )
  }
  const begin = async (auditor: Contributed<CommandAuditor>) => {
    const value = await attempt(
      auditor.plugin,
      guarded(auditor, (audit) => audit(command, args, by)),
    )
    return value === undefined ? [] : [{ ...auditor, value }]
  }
  const begun = (await Promise.all(auditors.map(begin))).flat()
  return settled(run, (outcome) =>
    Promise.all(
      begun.map((each) =>
        attempt(
          each.plugin,
          guarded(each, (end) => end(outcome)),
        ),
      ),
    ),
  )
}
