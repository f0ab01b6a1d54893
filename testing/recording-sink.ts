/** A log sink for tests. */
import type { LogRecord, LogSink } from '../core/contract/logger.ts'

/** Keeps records in an array. */
export function recordingSink(lines: LogRecord[]): LogSink {
  return {
    isEnabled: () => true,
    write: (record) => {
      lines.push(record)
    },
  }
}
