/** The JSON line of a record, bounded and free of secrets, in the order of pino: level, time, fields, message. */
import type { LogRecord } from '../../../core/plugin.ts'
import { callSite } from './call-site.ts'
import type { Redactor } from './redact-record.ts'
import { safeText, sanitizeFields, type Tree } from './sanitize.ts'

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

/** ISO 8601 in UTC; the part up to the second is kept from line to line. */
function timestamps(): (timeMs: number) => string {
  let second = Number.NaN
  let head = ''
  return (timeMs) => {
    const whole = Math.floor(timeMs / 1_000)
    if (whole !== second) {
      second = whole
      head = new Date(whole * 1_000).toISOString().slice(0, 20)
    }
    const ms = Math.floor(timeMs) - whole * 1_000
    return `${head}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`
  }
}

export function createLineEncoder(options: EncoderOptions): LineEncoder {
  const { redactor } = options
  const iso = timestamps()

  return ({ timeMs, level, logger: name, message, fields }) => {
    const tree: Tree = { logger: redactor.key(name).name }
    if (options.callSite || level === 'debug' || level === 'trace') Object.assign(tree, callSite())
    const ids = options.currentRequest?.()
    if (ids !== undefined) {
      tree.requestId = ids.requestId
      if (ids.traceId !== undefined) tree.traceId = ids.traceId
    }
    if (fields !== undefined) sanitizeFields(redactor, fields, tree)
    const text = safeText(redactor, typeof message === 'string' ? message : String(message))
    const middle = JSON.stringify(tree).slice(1, -1)
    return `{"level":"${level}","timestamp":"${iso(timeMs)}",${middle},"message":${JSON.stringify(text)}}\n`
  }
}
