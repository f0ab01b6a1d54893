import type { Collector } from '../metrics/api.ts'
import type { Journal } from './journal/journal.ts'

export const auditCollector = (journal: Journal, dropped: () => number): Collector => ({
  name: 'audit',
  setup(metrics) {
    const batch = metrics.batch()
    const counter = (name: string, help: string, read: () => number) =>
      batch.counter({ name, help, source: journal }, read)
    counter('arkwatch_audit_records_total', 'Audit records written.', () => journal.records)
    const refused = 'Changes refused because the audit record could not be written.'
    counter('arkwatch_audit_refused_total', refused, () => journal.refused)
    const missing = 'Audit records missing in the copy that `file` of the plugin audit names.'
    counter('arkwatch_audit_file_dropped_total', missing, dropped)
    return batch.observe
  },
})
