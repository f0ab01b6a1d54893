/** The JSON line of a record, bounded and free of secrets, in the order of pino: level, time, fields, message. */
import type { LogRecord } from '../contract/logger.ts'
import type { Redactor } from '../contract/redact/redactor.ts'
import { safeText, sanitizeFields, type Tree, textOf } from './sanitize.ts'

/** @param members go before the fields @returns the line with its line end. Never throws, whatever the record holds. */
type LogLine = (record: LogRecord, members?: Tree) => string

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

export function createLogLine(redactor: Redactor): LogLine {
  const iso = timestamps()
  return ({ timeMs, level, logger, message, fields }, members) => {
    const tree: Tree = { logger: redactor.key(textOf(logger)).name }
    if (members !== undefined) Object.assign(tree, members)
    if (fields !== undefined) sanitizeFields(redactor, fields, tree)
    const text = safeText(redactor, textOf(message))
    const middle = JSON.stringify(tree).slice(1, -1)
    return `{"level":"${level}","timestamp":"${iso(timeMs)}",${middle},"message":${JSON.stringify(text)}}\n`
  }
}
