/** The JSON lines of this plugin: those of core, with the place and the request that a line was written in. */
import { createLogLine, type LogRecord, type Redactor } from '../../../core/plugin.ts'
import { callSite } from './call-site.ts'

/** Ids of the request during which a line is written. */
export interface RequestIds {
  readonly requestId: string
  readonly traceId: string | undefined
}

export interface EncoderOptions {
  readonly redactor: Redactor
  /** Adds module, function and line to every line. */
  readonly callSite: boolean
  /** The request in progress, where lines carry its ids. */
  currentRequest?(): RequestIds | undefined
}

/** @returns the line with its line end. Never throws, whatever the record holds. */
export type LineEncoder = (record: LogRecord) => string

export function createLineEncoder(options: EncoderOptions): LineEncoder {
  const line = createLogLine(options.redactor)
  return (record) => {
    const ids = options.currentRequest?.()
    const sited = options.callSite || record.level === 'debug' || record.level === 'trace'
    if (!sited && ids === undefined) return line(record)
    const { requestId, traceId } = ids ?? {}
    return line(record, {
      ...(sited && callSite()),
      ...(ids && { requestId }),
      ...(traceId !== undefined && { traceId }),
    })
  }
}
