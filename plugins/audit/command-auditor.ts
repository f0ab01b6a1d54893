/** Records the changes that the CLI makes over the control socket. */
import { type CommandAuditor, type Logger, messageOf } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

/** @returns the auditor of commands, which refuses a command that cannot be recorded: AUDIT_UNAVAILABLE */
export const commandAuditorOf =
  (audit: Pick<Audit, 'begin'>, log: Logger): CommandAuditor =>
  async (command, args) => {
    const target = args.plugin ?? args.name ?? args.id ?? args.logger ?? args.pool
    const settle = await audit.begin({
      principal: { name: 'control-socket', role: 'admin' },
      action: command,
      ...(typeof target === 'string' && { target }),
      from: 'local',
      requestId: 'control-socket',
    })
    return (outcome) =>
      settle(outcome, { after: args }).catch((error) =>
        log.error('the outcome of a change is not recorded', { command, error: messageOf(error) }),
      )
  }
