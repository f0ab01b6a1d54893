/** The metrics of the audit log. */
import type { Collector } from '../metrics/api.ts'
import type { Journal } from './journal/journal.ts'

export const auditCollector = (journal: Journal, dropped: () => number): Collector => ({
  name: 'audit',
  setup(metrics) {
    const batch = metrics.batch()
    batch.counter({ name: 'arkwatch_audit_records_total', help: 'Audit records written.' }, () => journal.records)
    batch.counter(
      { name: 'arkwatch_audit_refused_total', help: 'Changes refused because the audit record could not be written.' },
      () => journal.refused,
    )
    batch.counter(
      {
        name: 'arkwatch_audit_file_dropped_total',
        help: 'Audit records missing in the copy that `file` of the plugin audit names.',
      },
      dropped,
    )
    return batch.observe
  },
})
