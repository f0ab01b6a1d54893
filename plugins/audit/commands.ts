/** What the CLI may ask of the audit log, by the control socket. */
import { type Contribution, type ControlCommand, controlCommand, z } from '../../core/plugin.ts'
import type { Audit } from './api.ts'

const none = z.strictObject({})
const seq = z.int().min(0).optional()

export const auditCommands = (audit: Audit): Contribution<ControlCommand>[] => [
  controlCommand({ name: 'audit.verify', args: none, run: () => audit.verify() }),
  controlCommand({
    name: 'audit.page',
    args: z.strictObject({
      limit: z.int().min(1).max(1_000).default(50),
      after: seq,
      before: seq,
      principal: z.string().min(1).max(200).optional(),
      action: z.string().min(1).max(100).optional(),
    }),
    run: async (query) => ({ records: await audit.page(query) }),
  }),
  controlCommand({
    name: 'audit.export',
    args: none,
    run: async () => {
      const lines: string[] = []
      for await (const line of audit.export()) lines.push(line)
      return { text: lines.join(''), publicKey: audit.publicKey }
    },
  }),
]
