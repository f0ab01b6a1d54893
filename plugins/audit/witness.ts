/** Puts what the CLI changes by the control socket on record, as requests are. */
import { type CommandAuditor, type Logger, messageOf } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

const targetOf = (args: Readonly<Record<string, unknown>>): string | undefined => {
  const named = args.plugin ?? args.name ?? args.id ?? args.logger ?? args.pool
  return typeof named === 'string' ? named : undefined
}

/** @returns a witness by which a command is refused when it cannot be put on record: AUDIT_UNAVAILABLE */
export const auditWitness =
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
        log.error('the outcome of a change is not on record', { command, error: messageOf(error) }),
      )
  }
