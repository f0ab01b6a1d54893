import { z } from 'zod'
import { duration } from '../../core/plugin.ts'

export const AuditConfig = z.strictObject({
  retention: duration({ min: '1d' })
    .prefault('365d')
    .describe(
      'How long records are kept. A signed link replaces the removed records, so that the rest stays verifiable.',
    ),
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A file that gets a copy of every record as a JSON line, for a log shipper. Relative to the directory `data`.',
    ),
})
export type AuditConfig = z.output<typeof AuditConfig>
