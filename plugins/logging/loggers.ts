/** The loggers of the application, with or without the ids of a request. */
import {
  type Clock,
  type Level,
  type LogFields,
  type Logger,
  type LogSink,
  redactName,
  requestIdOf,
  traceIdOf,
} from '../../core/plugin.ts'
import type { RequestSource } from './api.ts'

/** Its frames stand between a line of the application and its caller. */
export const loggersFile = import.meta.path

/** @param base fields of every line */
export function createLogger(sink: LogSink, clock: Clock, given: string, base?: LogFields): Logger {
  const name = redactName(given)
  const at = (level: Level) => (message: string, fields?: LogFields) => {
    if (!sink.isEnabled(level, name)) return
    const all = base === undefined ? fields : { ...base, ...fields }
    sink.write({ timeMs: clock.now(), level, logger: name, message, ...(all && { fields: all }) })
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (part) => createLogger(sink, clock, `${name}.${part}`, base),
    isEnabled: (level) => sink.isEnabled(level, name),
  }
}

/** A logger whose lines carry the request's id and trace id. */
export function createRequestLogger(sink: LogSink, clock: Clock, source: RequestSource, name: string): Logger {
  const request = source instanceof Request ? source : source.req.raw
  const traceId = traceIdOf(request)
  return createLogger(sink, clock, name, { requestId: requestIdOf(request), ...(traceId !== undefined && { traceId }) })
}
