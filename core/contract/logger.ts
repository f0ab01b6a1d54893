/** The logger that every plugin gets, and the sink that its lines go to. */
import { extensionPoint } from './tokens.ts'

export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Level = (typeof levels)[number]
export type LogFields = Readonly<Record<string, unknown>>

/** One line to be written. `fields.error` holds an Error where there is one. */
export interface LogRecord {
  readonly timeMs: number
  readonly level: Level
  readonly logger: string
  readonly message: string
  readonly fields?: LogFields
}

/** A function for each level, `log.info(message, fields)`, and two more. */
export interface Logger extends Readonly<Record<Level, (message: string, fields?: LogFields) => void>> {
  /** A logger named `parent.name`. */
  child(name: string): Logger
  isEnabled(level: Level): boolean
}

/** A destination of log lines. The logging plugin contributes one to {@link logSink}. */
export interface LogSink {
  isEnabled(level: Level, logger: string): boolean
  /** Never throws, never blocks. */
  write(record: LogRecord): void
}

/** The sink of the logging plugin; the newest contribution is used. */
export const logSink = extensionPoint<LogSink>('core.logSink', { shape: { isEnabled: 'function', write: 'function' } })
