/** The options of the audit log. */
import { z } from 'zod'
import { duration } from '../../core/plugin.ts'

export const AuditConfig = z.strictObject({
  retention: duration({ min: '1d' })
    .prefault('365d')
    .describe('How long records are kept. What goes leaves a signed link, so that the rest stays verifiable.'),
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A file that gets a copy of every record as a JSON line, for a log shipper. Relative to the data folder.',
    ),
})
export type AuditConfig = z.output<typeof AuditConfig>
