/** The metrics of the audit log. */
import type { Collector } from '../metrics/api.ts'
import type { Journal } from './journal/journal.ts'

export const auditCollector = (journal: Journal, dropped: () => number): Collector => ({
  name: 'audit',
  setup(metrics) {
    const records = metrics.counter({ name: 'arkwatch_audit_records_total', help: 'Records written.' })
    const refused = metrics.counter({
      name: 'arkwatch_audit_refused_total',
      help: 'Records that could not be written; what they were about was refused.',
    })
    const copies = metrics.counter({
      name: 'arkwatch_audit_file_dropped_total',
      help: 'Records missing in the copy of the file sink.',
    })
    let seen = { records: 0, refused: 0, dropped: 0 }
    return () => {
      const now = { records: journal.records, refused: journal.refused, dropped: dropped() }
      records.inc({}, now.records - seen.records)
      refused.inc({}, now.refused - seen.refused)
      copies.inc({}, now.dropped - seen.dropped)
      seen = now
    }
  },
})
