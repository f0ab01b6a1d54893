/** The JSON lines of this plugin: those of core, with the place and the request that a line was written in. */
import { dirname, relative } from 'node:path'
import { createLogLine, type LogRecord, loggerFile, type Redactor } from '../../../core/plugin.ts'

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
const ownFrames = [dirname(import.meta.dir), loggerFile]

/** The caller of the logger, from a stack trace, its file relative to the working directory. Costs microseconds. */
function callSite() {
  for (const text of new Error().stack?.split('\n') ?? []) {
    const [, name = '<anonymous>', path, line] = frame.exec(text) ?? []
    if (path === undefined || ownFrames.some((prefix) => path.startsWith(prefix))) continue
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
      ...(sited && callSite()),
      ...(ids && { requestId }),
      ...(traceId !== undefined && { traceId }),
    })
  }
}
