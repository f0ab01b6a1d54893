/** Records the changes that the CLI makes over the control socket, and those of the runtime itself. */
import { type CommandAuditor, type Logger, messageOf } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

/** @returns the auditor of commands, which refuses a command that cannot be recorded: AUDIT_UNAVAILABLE */
export const commandAuditorOf =
  (audit: Pick<Audit, 'begin'>, log: Logger): CommandAuditor =>
  async (command, args, by) => {
    const target = args.plugin ?? args.name ?? args.id ?? args.logger ?? args.pool
    const settle = await audit.begin({
      principal: by === undefined ? { name: 'control-socket', role: 'admin' } : { name: by, role: 'system' },
      action: command,
      ...(typeof target === 'string' && { target }),
      from: 'local',
      requestId: by ?? 'control-socket',
    })
    return (outcome) =>
      settle(outcome, { after: args }).catch((error) =>
        log.error('the outcome of a change is not recorded', { command, error: messageOf(error) }),
      )
  }
