/** The JSON lines of this plugin: those of core, with the place and the request that a line was written in. */
import { dirname, relative, sep } from 'node:path'
import { createLogLine, type LogRecord, loggerFile, type Redactor } from '../../../core/plugin.ts'
import { loggersFile } from '../loggers.ts'

/** Ids of the request during which a line is written. */
export interface RequestIds {
  readonly requestId: string
  readonly traceId: string | undefined
}

interface EncoderOptions {
  readonly redactor: Redactor
  /** Adds module, function and line to every line. */
  readonly callSite: boolean
  /** The request in progress, where lines carry its ids. */
  currentRequest?(): RequestIds | undefined
}

/** @returns the line with its line end. Never throws, whatever the record holds. */
export type LineEncoder = (record: LogRecord) => string

const frame = /^\s*at (?:async )?(?:(.*?) \()?(?:file:\/\/)?(.*?):(\d+)(?::\d+)?\)?$/
const loggerFiles = [loggerFile, loggersFile]
const core = dirname(dirname(loggerFile)) + sep

/**
 * The caller of the logger, from a stack trace, its file relative to the working directory. Costs microseconds.
 * @returns undefined for a function that ends with the call of the logger: its frame is gone, and core called it
 */
function callSite(logger: string) {
  let isBelow = false
  for (const text of new Error().stack?.split('\n') ?? []) {
    const [, name = '<anonymous>', path = '', line] = frame.exec(text) ?? []
    const isLogger = loggerFiles.includes(path)
    isBelow ||= isLogger
    // `native:1:11` is a callback of an array.
    if (isLogger || !isBelow || !path.startsWith(sep)) continue
    if (path.startsWith(core) && !/^core(\.|$)/.test(logger)) return undefined
    const inside = relative(process.cwd(), path)
    return { module: inside.startsWith('..') ? path : inside, function: name, line: Number(line) }
  }
  return undefined
}

export function createLineEncoder(options: EncoderOptions): LineEncoder {
  const line = createLogLine(options.redactor)
  return (record) => {
    const ids = options.currentRequest?.()
    const sited = options.callSite || record.level === 'debug' || record.level === 'trace'
    if (!sited && ids === undefined) return line(record)
    const { requestId, traceId } = ids ?? {}
    return line(record, {
      ...(sited && callSite(record.logger)),
      ...(ids && { requestId }),
      ...(traceId !== undefined && { traceId }),
    })
  }
}
