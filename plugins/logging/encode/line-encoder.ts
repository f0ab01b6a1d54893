/** Makes the JSON line of a record: pino writes it, our own pass before it makes it bounded and free of secrets. */
import { pino, symbols } from 'pino'
import type { Level, LogRecord } from '../../../core/plugin.ts'
import { callSite } from './call-site.ts'
import type { Redactor } from './redact.ts'
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
  /** The request under way, where lines are to carry it. */
  currentRequest?(): RequestIds | undefined
}

/** @returns the line with its line end. Never throws for what is in the record. */
export type LineEncoder = (record: LogRecord) => string

type PinoWrite = (fields: Tree, message: string, level: number) => void
const pinoLevels: Readonly<Record<Level, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }

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
  let stamp = ''
  let line = ''
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${stamp}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (value) => value },
    },
    {
      write(text) {
        line = text
      },
    },
  )
  const write = (logger as unknown as Record<symbol, PinoWrite>)[symbols.writeSym as symbol]!.bind(logger)

  return ({ timeMs, level, logger: name, message, fields }) => {
    const tree: Tree = { logger: redactor.key(name).name }
    if (options.callSite || level === 'debug' || level === 'trace') Object.assign(tree, callSite())
    const ids = options.currentRequest?.()
    if (ids !== undefined) {
      tree.requestId = ids.requestId
      if (ids.traceId !== undefined) tree.traceId = ids.traceId
    }
    if (fields !== undefined) sanitizeFields(redactor, fields, tree)
    stamp = iso(timeMs)
    write(tree, safeText(redactor, typeof message === 'string' ? message : String(message)), pinoLevels[level])
    return line
  }
}
