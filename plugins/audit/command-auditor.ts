/** Records the changes that the CLI makes over the control socket. */
import { type CommandAuditor, type Logger, messageOf } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

const targetOf = (args: Readonly<Record<string, unknown>>): string | undefined => {
  const named = args.plugin ?? args.name ?? args.id ?? args.logger ?? args.pool
  return typeof named === 'string' ? named : undefined
}

/** @returns the auditor of commands, which refuses a command that cannot be recorded: AUDIT_UNAVAILABLE */
export const commandAuditorOf =
  (audit: Pick<Audit, 'begin'>, log: Logger): CommandAuditor =>
  async (command, args) => {
    const target = targetOf(args)
    const settle = await audit.begin({
      principal: { name: 'control-socket', role: 'admin' },
      action: command,
      ...(target !== undefined && { target }),
      from: 'local',
      requestId: 'control-socket',
    })
    return (outcome) =>
      settle(outcome, { after: args }).catch((error) =>
        log.error('the outcome of a change is not recorded', { command, error: messageOf(error) }),
      )
  }
