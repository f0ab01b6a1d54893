/** The metrics of the audit log. */
import type { Collector } from '../metrics/api.ts'
import type { Journal } from './journal/journal.ts'

export const auditCollector = (journal: Journal, dropped: () => number): Collector => ({
  name: 'audit',
  setup(metrics) {
    const batch = metrics.batch()
    batch.counter({ name: 'arkwatch_audit_records_total', help: 'Records written.' }, () => journal.records)
    batch.counter(
      {
        name: 'arkwatch_audit_refused_total',
        help: 'Records that could not be written; what they were about was refused.',
      },
      () => journal.refused,
    )
    batch.counter(
      { name: 'arkwatch_audit_file_dropped_total', help: 'Records missing in the copy of the file sink.' },
      dropped,
    )
    return batch.observe
  },
})
