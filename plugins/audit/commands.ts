/** What the CLI may ask of the audit log, by the control socket. */
import { type Contribution, type ControlCommand, controlCommand } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

const number = (value: unknown): number | undefined => (Number.isSafeInteger(value) ? (value as number) : undefined)
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

export const auditCommands = (audit: Audit): Contribution<ControlCommand>[] => [
  controlCommand({ name: 'audit.verify', run: () => audit.verify() }),
  controlCommand({
    name: 'audit.page',
    run: async (args) => {
      const limit = Math.min(1_000, Math.max(1, number(args.limit) ?? 50))
      const range = { after: number(args.after), before: number(args.before) }
      return {
        records: await audit.page({ limit, ...range, principal: text(args.principal), action: text(args.action) }),
      }
    },
  }),
  controlCommand({
    name: 'audit.export',
    run: async () => {
      const lines: string[] = []
      for await (const line of audit.export()) lines.push(line)
      return { text: lines.join(''), publicKey: audit.publicKey }
    },
  }),
]
